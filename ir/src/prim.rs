//! Scalar primitives: the closed set that backends implement, and the builder in which op bodies are written.
//!
//! A primitive works on real scalars of one machine type; complex numbers are pairs of them. Adding one is rare:
//! add a row to the table below, then each backend's `match` stops compiling until it answers.

use crate::dtype::{DType, Scalar};
use std::fmt;

/// How a primitive's operand and result types relate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum PrimType {
    /// All operands `T`, result `T`.
    Same,
    /// Both operands `T`, result `bool`.
    Compare,
    /// `bool, T, T -> T`.
    Select,
    /// Any operand; the result type is stated.
    Convert,
}

/// Which types a primitive takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum PrimDomain {
    /// Any real type, bool included.
    Any,
    /// Integers and floats.
    Number,
    /// Integers and bool.
    Bits,
    /// Integers.
    Int,
    /// `f32` and `f64`.
    Float,
}

macro_rules! prims {
    ($( $variant:ident $name:literal $arity:literal $ty:ident $domain:ident $cost:literal $doc:literal; )*) => {
        /// A scalar primitive.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub enum Prim { $( #[doc = $doc] $variant, )* }

        impl Prim {
            /// Every primitive, in table order.
            pub const ALL: &[Prim] = &[$(Prim::$variant),*];

            /// The mnemonic in kernel text.
            pub fn name(self) -> &'static str {
                match self { $(Prim::$variant => $name),* }
            }
            /// Number of operands.
            pub fn arity(self) -> usize {
                match self { $(Prim::$variant => $arity),* }
            }
            /// How operand and result types relate.
            pub fn typing(self) -> PrimType {
                match self { $(Prim::$variant => PrimType::$ty),* }
            }
            /// Which types it takes.
            pub fn domain(self) -> PrimDomain {
                match self { $(Prim::$variant => PrimDomain::$domain),* }
            }
            /// Rough time per element in units of one `f64` add.
            pub fn cost(self) -> f64 {
                match self { $(Prim::$variant => $cost),* }
            }
        }
    };
}

// variant name arity typing domain cost doc
prims! {
    Add "add" 2 Same Number 1.0 "Sum; integers wrap.";
    Sub "sub" 2 Same Number 1.0 "Difference; integers wrap.";
    Mul "mul" 2 Same Number 1.0 "Product; integers wrap.";
    Div "div" 2 Same Float 4.0 "IEEE quotient.";
    Fma "fma" 3 Same Float 1.0 "`a * b + c`, rounded once.";
    Neg "neg" 1 Same Number 1.0 "Negation; flips the sign bit of floats, wraps integers.";
    Abs "abs" 1 Same Number 1.0 "Magnitude; clears the sign bit of floats, wraps integers.";
    Min "min" 2 Same Any 1.0 "Smaller operand; NaN if either is NaN.";
    Max "max" 2 Same Any 1.0 "Larger operand; NaN if either is NaN.";
    Sqrt "sqrt" 1 Same Float 5.0 "IEEE square root.";
    Floor "floor" 1 Same Float 1.0 "Toward minus infinity.";
    Ceil "ceil" 1 Same Float 1.0 "Toward plus infinity.";
    Trunc "trunc" 1 Same Float 1.0 "Toward zero.";
    Rint "rint" 1 Same Float 1.0 "To nearest, ties to even.";
    Copysign "copysign" 2 Same Float 1.0 "Magnitude of the first, sign of the second.";
    And "and" 2 Same Bits 1.0 "Bitwise and.";
    Or "or" 2 Same Bits 1.0 "Bitwise or.";
    Xor "xor" 2 Same Bits 1.0 "Bitwise exclusive or.";
    Not "not" 1 Same Bits 1.0 "Bitwise complement; logical for bool.";
    Shl "shl" 2 Same Int 1.0 "Left shift; 0 when the amount, read as unsigned, reaches the width.";
    Shr "shr" 2 Same Int 1.0 "Right shift, arithmetic for signed types; sign fill when the amount, read as unsigned, reaches the width.";
    IDiv "idiv" 2 Same Int 12.0 "Quotient toward zero; `x / 0 = 0`, `MIN / -1 = MIN`.";
    IRem "irem" 2 Same Int 12.0 "Remainder with the dividend's sign; `x % 0 = 0`, `MIN % -1 = 0`.";
    IPow "ipow" 2 Same Int 20.0 "Integer power, wrapping; 0 for a negative exponent.";
    Gcd "gcd" 2 Same Int 60.0 "Greatest common divisor of the magnitudes.";
    Eq "eq" 2 Compare Any 1.0 "Equal.";
    Ne "ne" 2 Compare Any 1.0 "Not equal; true for NaN.";
    Lt "lt" 2 Compare Any 1.0 "Less; false for NaN.";
    Le "le" 2 Compare Any 1.0 "Less or equal; false for NaN.";
    Select "select" 3 Select Any 1.0 "The second operand where the first is true, else the third.";
    Cast "cast" 1 Convert Any 1.0 "NumPy's `astype`; see `dtype::float_to_int` for floats out of range.";
    Bitcast "bitcast" 1 Convert Number 0.0 "The same bits as another type of the same size.";
    Exp "exp" 1 Same Float 12.0 "e to the x.";
    Exp2 "exp2" 1 Same Float 12.0 "2 to the x.";
    Expm1 "expm1" 1 Same Float 14.0 "exp(x) - 1.";
    Log "log" 1 Same Float 14.0 "Natural logarithm.";
    Log2 "log2" 1 Same Float 14.0 "Base-2 logarithm.";
    Log10 "log10" 1 Same Float 14.0 "Base-10 logarithm.";
    Log1p "log1p" 1 Same Float 16.0 "log(1 + x).";
    Sin "sin" 1 Same Float 14.0 "Sine, radians.";
    Cos "cos" 1 Same Float 14.0 "Cosine, radians.";
    Tan "tan" 1 Same Float 20.0 "Tangent, radians.";
    Asin "asin" 1 Same Float 18.0 "Inverse sine.";
    Acos "acos" 1 Same Float 18.0 "Inverse cosine.";
    Atan "atan" 1 Same Float 18.0 "Inverse tangent.";
    Sinh "sinh" 1 Same Float 18.0 "Hyperbolic sine.";
    Cosh "cosh" 1 Same Float 18.0 "Hyperbolic cosine.";
    Tanh "tanh" 1 Same Float 18.0 "Hyperbolic tangent.";
    Asinh "asinh" 1 Same Float 24.0 "Inverse hyperbolic sine.";
    Acosh "acosh" 1 Same Float 24.0 "Inverse hyperbolic cosine.";
    Atanh "atanh" 1 Same Float 24.0 "Inverse hyperbolic tangent.";
    Cbrt "cbrt" 1 Same Float 18.0 "Cube root.";
    Erf "erf" 1 Same Float 20.0 "Error function.";
    Erfc "erfc" 1 Same Float 24.0 "Complementary error function.";
    Lgamma "lgamma" 1 Same Float 60.0 "Logarithm of the absolute gamma function.";
    Tgamma "tgamma" 1 Same Float 60.0 "Gamma function.";
    Pow "pow" 2 Same Float 30.0 "x to the y, C99 special cases.";
    Atan2 "atan2" 2 Same Float 24.0 "Angle of the point (x, y); first operand y.";
    Hypot "hypot" 2 Same Float 10.0 "sqrt(x*x + y*y) without overflow.";
    Fmod "fmod" 2 Same Float 20.0 "Remainder with the dividend's sign.";
    Nextafter "nextafter" 2 Same Float 8.0 "Next representable value after the first toward the second.";
}

impl Prim {
    /// The inverse of [`Prim::name`].
    pub fn from_name(name: &str) -> Option<Prim> {
        Prim::ALL.iter().copied().find(|p| p.name() == name)
    }

    /// True for functions that backends take from the vector math library.
    pub fn is_math(self) -> bool {
        self >= Prim::Exp
    }

    /// Result type for operand types, or why not. `to` is the stated type of a conversion.
    pub fn result(self, args: &[DType], to: Option<DType>) -> Result<DType, String> {
        if args.len() != self.arity() {
            return Err(format!("{self} takes {} operands, got {}", self.arity(), args.len()));
        }
        let data = if self.typing() == PrimType::Select { &args[1..] } else { args };
        let t = data[0];
        if data.iter().any(|d| *d != t) {
            return Err(format!("{self} takes operands of one type, got {args:?}"));
        }
        let fits = match self.domain() {
            PrimDomain::Any => !t.is_complex(),
            PrimDomain::Number => t.is_int() || t.is_float(),
            PrimDomain::Bits => t.is_int() || t == DType::Bool,
            PrimDomain::Int => t.is_int(),
            PrimDomain::Float => t.is_float(),
        };
        if !fits {
            return Err(format!("{self} does not take {t}"));
        }
        match self.typing() {
            PrimType::Same => Ok(t),
            PrimType::Compare => Ok(DType::Bool),
            PrimType::Select if args[0] == DType::Bool => Ok(t),
            PrimType::Select => Err(format!("{self} takes a bool first, got {}", args[0])),
            PrimType::Convert => {
                let to = to.ok_or_else(|| format!("{self} needs its result type"))?;
                let bits_differ = to.size() != t.size() || !(to.is_int() || to.is_float());
                if to.is_complex() || (self == Prim::Bitcast && bits_differ) {
                    return Err(format!("{self} does not give {to} from {t}"));
                }
                Ok(to)
            }
        }
    }
}

impl fmt::Display for Prim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A scalar SSA value of a kernel or a scalar function.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Val(pub u32);

impl fmt::Debug for Val {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.0)
    }
}

impl fmt::Display for Val {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.0)
    }
}

/// Receives the primitives that an op body consists of: a kernel under construction, or an evaluator.
pub trait Emit {
    /// Adds `op(args)`; `to` is the result type (already checked).
    fn emit(&mut self, op: Prim, to: DType, args: &[Val]) -> Val;
    /// Adds a constant.
    fn constant(&mut self, value: Scalar) -> Val;
    /// The type of a value.
    fn dtype(&self, v: Val) -> DType;
}

/// The language in which op bodies are written: one method per primitive plus shorthands.
///
/// ```
/// use frit_ir::prim::{Body, ScalarFn};
/// use frit_ir::DType;
/// let f = ScalarFn::build(&[DType::F64], |b, a| { let two = b.f(a[0], 2.0); vec![b.mul(a[0], two)] });
/// assert_eq!(f.to_string(), "(%0: f64) { %1 = const 2.0 : f64; %2 = mul %0, %1; return %2 }");
/// ```
pub struct Body<'a>(pub &'a mut dyn Emit);

macro_rules! shorthands {
    ($($method:ident $prim:ident ($($arg:ident),*);)*) => { $(
        #[doc = concat!("Emits [`Prim::", stringify!($prim), "`].")]
        #[inline]
        pub fn $method(&mut self, $($arg: Val),*) -> Val { self.prim(Prim::$prim, &[$($arg),*]) }
    )* };
}

#[allow(clippy::should_implement_trait)]
impl Body<'_> {
    /// Emits a primitive; operand types must fit.
    pub fn prim(&mut self, op: Prim, args: &[Val]) -> Val {
        let types: Vec<DType> = args.iter().map(|a| self.0.dtype(*a)).collect();
        let to = op.result(&types, None).unwrap_or_else(|why| panic!("op body is ill-typed: {why}"));
        self.0.emit(op, to, args)
    }

    shorthands! {
        add Add(a, b); sub Sub(a, b); mul Mul(a, b); div Div(a, b); neg Neg(a); abs Abs(a);
        min Min(a, b); max Max(a, b); sqrt Sqrt(a); floor Floor(a); ceil Ceil(a); trunc Trunc(a); rint Rint(a);
        copysign Copysign(a, b); and And(a, b); or Or(a, b); xor Xor(a, b); not Not(a); shl Shl(a, b); shr Shr(a, b);
        idiv IDiv(a, b); irem IRem(a, b); eq Eq(a, b); ne Ne(a, b); lt Lt(a, b); le Le(a, b);
        select Select(c, a, b); exp Exp(a); log Log(a); sin Sin(a); cos Cos(a); sinh Sinh(a); cosh Cosh(a); tanh Tanh(a);
        expm1 Expm1(a); log1p Log1p(a); atan2 Atan2(a, b); hypot Hypot(a, b); pow Pow(a, b); fma Fma(a, b, c);
    }

    /// The type of a value.
    pub fn dtype(&self, v: Val) -> DType {
        self.0.dtype(v)
    }

    /// A constant.
    pub fn constant(&mut self, value: Scalar) -> Val {
        self.0.constant(value)
    }

    /// A constant of the type of `like`.
    pub fn f(&mut self, like: Val, value: f64) -> Val {
        let t = self.dtype(like);
        self.constant(Scalar::from_f64(t, value))
    }

    /// A conversion; nothing when the type is already right.
    pub fn cast(&mut self, a: Val, to: DType) -> Val {
        if self.dtype(a) == to { a } else { self.0.emit(Prim::Cast, to, &[a]) }
    }

    /// The same bits as another type.
    pub fn bitcast(&mut self, a: Val, to: DType) -> Val {
        if self.dtype(a) == to { a } else { self.0.emit(Prim::Bitcast, to, &[a]) }
    }

    /// `a != a`.
    pub fn is_nan(&mut self, a: Val) -> Val {
        self.ne(a, a)
    }

    /// True for a set sign bit (floats) or a negative value (integers).
    pub fn sign_bit(&mut self, a: Val) -> Val {
        let t = self.dtype(a);
        let bits = match t {
            DType::F32 => self.bitcast(a, DType::I32),
            DType::F64 => self.bitcast(a, DType::I64),
            _ => a,
        };
        let zero = self.f(bits, 0.0);
        self.lt(bits, zero)
    }
}

/// A straight-line scalar program as data: parameters first, then one value per instruction.
#[derive(Clone, PartialEq, Debug)]
pub struct ScalarFn {
    /// Types of the parameters, which are `%0 .. %n`.
    pub params: Vec<DType>,
    /// Instructions in order; instruction `k` defines value `params.len() + k`.
    pub insts: Vec<ScalarInst>,
    /// Results.
    pub results: Vec<Val>,
}

/// One instruction of a [`ScalarFn`].
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum ScalarInst {
    /// A constant.
    Const(Scalar),
    /// A primitive with its result type.
    Prim(Prim, DType, Vec<Val>),
}

impl ScalarInst {
    /// The result type.
    pub fn dtype(&self) -> DType {
        match self {
            ScalarInst::Const(s) => s.dtype(),
            ScalarInst::Prim(_, t, _) => *t,
        }
    }
}

impl Emit for ScalarFn {
    fn emit(&mut self, op: Prim, to: DType, args: &[Val]) -> Val {
        self.insts.push(ScalarInst::Prim(op, to, args.to_vec()));
        Val((self.params.len() + self.insts.len() - 1) as u32)
    }

    fn constant(&mut self, value: Scalar) -> Val {
        self.insts.push(ScalarInst::Const(value));
        Val((self.params.len() + self.insts.len() - 1) as u32)
    }

    fn dtype(&self, v: Val) -> DType {
        let i = v.0 as usize;
        self.params.get(i).copied().unwrap_or_else(|| self.insts[i - self.params.len()].dtype())
    }
}

impl ScalarFn {
    /// Runs a body over fresh parameters.
    pub fn build(params: &[DType], body: impl FnOnce(&mut Body<'_>, &[Val]) -> Vec<Val>) -> ScalarFn {
        let mut f = ScalarFn { params: params.to_vec(), insts: Vec::new(), results: Vec::new() };
        let args: Vec<Val> = (0..params.len() as u32).map(Val).collect();
        let results = body(&mut Body(&mut f), &args);
        f.results = results;
        f
    }

    /// Emits this function's instructions elsewhere, with its parameters bound to `args`.
    pub fn splice(&self, sink: &mut dyn Emit, args: &[Val]) -> Vec<Val> {
        let mut map = args.to_vec();
        for inst in &self.insts {
            let v = match inst {
                ScalarInst::Const(s) => sink.constant(*s),
                ScalarInst::Prim(op, to, operands) => {
                    let operands: Vec<Val> = operands.iter().map(|v| map[v.0 as usize]).collect();
                    sink.emit(*op, *to, &operands)
                }
            };
            map.push(v);
        }
        self.results.iter().map(|v| map[v.0 as usize]).collect()
    }
}

impl fmt::Display for ScalarFn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        for (i, t) in self.params.iter().enumerate() {
            write!(f, "{}%{i}: {t}", if i > 0 { ", " } else { "" })?;
        }
        f.write_str(") { ")?;
        for (k, inst) in self.insts.iter().enumerate() {
            write!(f, "%{} = ", self.params.len() + k)?;
            match inst {
                ScalarInst::Const(s) => write!(f, "const {s} : {}", s.dtype())?,
                ScalarInst::Prim(op, to, args) => {
                    write!(f, "{op} ")?;
                    for (i, a) in args.iter().enumerate() {
                        write!(f, "{}{a}", if i > 0 { ", " } else { "" })?;
                    }
                    if op.typing() == PrimType::Convert {
                        write!(f, " : {to}")?;
                    }
                }
            }
            f.write_str("; ")?;
        }
        let results: Vec<String> = self.results.iter().map(Val::to_string).collect();
        write!(f, "return {} }}", results.join(", "))
    }
}
