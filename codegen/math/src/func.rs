//! The table of functions: one row each.

use crate::dispatch;
use crate::hardware;
use crate::isa::Isa;
use crate::{arc, erf, exp, hyperbolic, library, log, power, trig};

macro_rules! functions {
    (
        $( $(#[doc = $doc:literal])* $func:ident $name:literal $arity:ident $kernel:ty, [$ulp64:literal, $ulp32:literal], [$cost64:literal, $cost32:literal]; )*
    ) => {
        /// A math function.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Func { $( $(#[doc = $doc])* $func, )* }

        impl Func {
            /// Every function, in table order.
            pub const ALL: &[Func] = &[$(Func::$func,)*];

            /// The C name.
            pub fn name(self) -> &'static str {
                match self { $(Func::$func => $name,)* }
            }

            /// The number of operands, 1 or 2.
            pub fn arity(self) -> usize {
                match self { $(Func::$func => functions!(@arity $arity),)* }
            }

            /// Bound on the error of the `f64` routine, in units in the last place of the result.
            pub fn ulp_f64(self) -> f64 {
                match self { $(Func::$func => $ulp64,)* }
            }

            /// Bound on the error of the `f32` routine, in units in the last place of the result.
            pub fn ulp_f32(self) -> f64 {
                match self { $(Func::$func => $ulp32,)* }
            }

            /// Cost of the `f64` block routine, in nanoseconds per element on a 4 GHz AVX-512 core: compare, don't
            /// predict.
            pub fn cost(self) -> f64 {
                match self { $(Func::$func => $cost64,)* }
            }

            /// Cost of the `f32` block routine, likewise.
            pub fn cost_f32(self) -> f64 {
                match self { $(Func::$func => $cost32,)* }
            }

            /// Address of the `f64` block routine for one instruction set, a [`Unary`](crate::Unary) or a
            /// [`Binary`](crate::Binary). Calling it needs an instruction set in [`Isa::available`].
            pub fn block_f64_on(self, isa: Isa) -> *const u8 {
                match self { $(Func::$func => functions!(@block $arity f64 $kernel)(isa),)* }
            }

            /// Address of the `f32` block routine for one instruction set.
            pub fn block_f32_on(self, isa: Isa) -> *const u8 {
                match self { $(Func::$func => functions!(@block $arity f32 $kernel)(isa),)* }
            }

            /// Address of the `f64` scalar routine for one instruction set.
            pub fn scalar_f64_on(self, isa: Isa) -> *const u8 {
                match self { $(Func::$func => functions!(@scalar $arity f64 $kernel)(isa),)* }
            }

            /// Address of the `f32` scalar routine for one instruction set.
            pub fn scalar_f32_on(self, isa: Isa) -> *const u8 {
                match self { $(Func::$func => functions!(@scalar $arity f32 $kernel)(isa),)* }
            }

            /// Whether the `f64` routine is vector code; otherwise it calls a scalar library per element.
            pub fn is_vector_f64(self) -> bool {
                match self { $(Func::$func => functions!(@vector $arity f64 $kernel),)* }
            }

            /// Whether the `f32` routine is vector code.
            pub fn is_vector_f32(self) -> bool {
                match self { $(Func::$func => functions!(@vector $arity f32 $kernel),)* }
            }
        }
    };
    (@arity unary) => { 1 };
    (@arity binary) => { 2 };
    (@block unary $T:ident $kernel:ty) => { dispatch::block_unary::<$T, $kernel> };
    (@block binary $T:ident $kernel:ty) => { dispatch::block_binary::<$T, $kernel> };
    (@scalar unary $T:ident $kernel:ty) => { dispatch::scalar_unary::<$T, $kernel> };
    (@scalar binary $T:ident $kernel:ty) => { dispatch::scalar_binary::<$T, $kernel> };
    (@vector unary $T:ident $kernel:ty) => { <$kernel as dispatch::Kernel1<$T>>::VECTOR };
    (@vector binary $T:ident $kernel:ty) => { <$kernel as dispatch::Kernel2<$T>>::VECTOR };
}

#[rustfmt::skip]
functions! {
    // variant  name      arity  kernel           ulp: f64, f32   ns: f64, f32
    /// `e^x`.
    Exp       "exp"       unary  exp::Exp,       [1.0, 2.0], [5.0, 5.0];
    /// `2^x`.
    Exp2      "exp2"      unary  exp::Exp2,      [1.0, 2.0], [5.0, 5.0];
    /// `e^x - 1`.
    Expm1     "expm1"     unary  exp::Expm1,     [1.0, 2.0], [8.0, 5.0];
    /// Natural logarithm.
    Log       "log"       unary  log::Log,       [1.0, 2.0], [5.0, 5.0];
    /// Logarithm to base 2.
    Log2      "log2"      unary  log::Log2,      [1.0, 2.0], [5.0, 5.0];
    /// Logarithm to base 10.
    Log10     "log10"     unary  log::Log10,     [1.0, 2.0], [5.0, 5.0];
    /// `log(1 + x)`.
    Log1p     "log1p"     unary  log::Log1p,     [1.0, 2.0], [8.0, 5.0];
    /// Sine.
    Sin       "sin"       unary  trig::Sin,       [1.0, 2.0], [8.0, 5.0];
    /// Cosine.
    Cos       "cos"       unary  trig::Cos,       [1.0, 2.0], [8.0, 5.0];
    /// Tangent.
    Tan       "tan"       unary  trig::Tan,       [1.0, 2.0], [10.0, 5.0];
    /// Inverse sine.
    Asin      "asin"      unary  arc::Asin,      [1.0, 2.0], [8.0, 5.0];
    /// Inverse cosine.
    Acos      "acos"      unary  arc::Acos,      [1.0, 2.0], [8.0, 5.0];
    /// Inverse tangent.
    Atan      "atan"      unary  arc::Atan,      [1.0, 2.0], [8.0, 5.0];
    /// Hyperbolic sine.
    Sinh      "sinh"      unary  hyperbolic::Sinh,      [1.0, 2.0], [8.0, 5.0];
    /// Hyperbolic cosine.
    Cosh      "cosh"      unary  hyperbolic::Cosh,      [1.0, 2.0], [8.0, 5.0];
    /// Hyperbolic tangent.
    Tanh      "tanh"      unary  hyperbolic::Tanh,      [1.0, 2.0], [8.0, 5.0];
    /// Inverse hyperbolic sine.
    Asinh     "asinh"     unary  hyperbolic::Asinh,     [1.0, 2.0], [10.0, 6.0];
    /// Inverse hyperbolic cosine.
    Acosh     "acosh"     unary  hyperbolic::Acosh,     [1.0, 2.0], [10.0, 6.0];
    /// Inverse hyperbolic tangent.
    Atanh     "atanh"     unary  hyperbolic::Atanh,     [1.0, 2.0], [10.0, 6.0];
    /// Cube root.
    Cbrt      "cbrt"      unary  power::Cbrt,      [1.0, 2.0], [8.0, 5.0];
    /// Error function.
    Erf       "erf"       unary  erf::Erf,       [1.0, 2.0], [10.0, 6.0];
    /// Complementary error function.
    Erfc      "erfc"      unary  library::Erfc,      [0.51, 0.51], [15.0, 6.0];
    /// Logarithm of the absolute value of the gamma function.
    Lgamma    "lgamma"    unary  library::Lgamma,    [1.0, 1.0],   [30.0, 15.0];
    /// The gamma function.
    Tgamma    "tgamma"    unary  library::Tgamma,    [1.0, 1.0],   [30.0, 15.0];
    /// Square root, correctly rounded.
    Sqrt      "sqrt"      unary  hardware::Sqrt,     [0.5, 0.5],   [0.6, 0.3];
    /// `x^y`.
    Pow       "pow"       binary power::Pow,       [1.0, 2.0], [15.0, 8.0];
    /// The angle of the point `(y, x)`: the first operand is `y`.
    Atan2     "atan2"     binary arc::Atan2,     [1.0, 2.0], [15.0, 8.0];
    /// `sqrt(x^2 + y^2)` without spurious overflow.
    Hypot     "hypot"     binary power::Hypot,     [1.0, 2.0], [8.0, 5.0];
    /// Remainder of `x / y` truncated, exact; the sign is that of `x`.
    Fmod      "fmod"      binary library::Fmod,      [0.0, 0.0],   [10.0, 8.0];
    /// The next value after `x` towards `y`, exact.
    Nextafter "nextafter" binary library::Nextafter, [0.0, 0.0],   [3.0, 3.0];
    /// Quotient, correctly rounded.
    Div       "divide"    binary hardware::Div,      [0.5, 0.5],   [0.4, 0.2];
}

impl Func {
    /// The function of that C name.
    pub fn from_name(name: &str) -> Option<Func> {
        Func::ALL.iter().copied().find(|func| func.name() == name)
    }

    /// Address of the `f64` block routine, a [`Unary`](crate::Unary) or a [`Binary`](crate::Binary), for
    /// [`Isa::detect`].
    pub fn block_f64(self) -> *const u8 {
        self.block_f64_on(Isa::detect())
    }

    /// Address of the `f32` block routine for [`Isa::detect`].
    pub fn block_f32(self) -> *const u8 {
        self.block_f32_on(Isa::detect())
    }

    /// Address of an `extern "C" fn(f64) -> f64`, or of one with two operands, that gives the bits of
    /// [`Func::block_f64`].
    pub fn scalar_f64(self) -> *const u8 {
        self.scalar_f64_on(Isa::detect())
    }

    /// Address of an `extern "C" fn(f32) -> f32`, or of one with two operands, that gives the bits of
    /// [`Func::block_f32`].
    pub fn scalar_f32(self) -> *const u8 {
        self.scalar_f32_on(Isa::detect())
    }
}

/// Safe calls of the scalar routines for one element type.
macro_rules! eval {
    ($T:ident, $scalar:ident, $eval1:ident, $eval2:ident) => {
        impl Func {
            /// The function of one operand at `x`.
            ///
            /// # Panics
            /// If the function takes two operands.
            pub fn $eval1(self, x: $T) -> $T {
                assert_eq!(self.arity(), 1, "{} takes two operands", self.name());
                // SAFETY: the address is that of a function of one operand, for an instruction set that this CPU has.
                unsafe { std::mem::transmute::<*const u8, unsafe extern "C" fn($T) -> $T>(self.$scalar())(x) }
            }

            /// The function of two operands at `(x, y)`.
            ///
            /// # Panics
            /// If the function takes one operand.
            pub fn $eval2(self, x: $T, y: $T) -> $T {
                assert_eq!(self.arity(), 2, "{} takes one operand", self.name());
                // SAFETY: the address is that of a function of two operands, for an instruction set that this CPU has.
                unsafe {
                    std::mem::transmute::<*const u8, unsafe extern "C" fn($T, $T) -> $T>(self.$scalar())(x, y)
                }
            }
        }
    };
}

eval!(f64, scalar_f64, eval1_f64, eval2_f64);
eval!(f32, scalar_f32, eval1_f32, eval2_f32);
