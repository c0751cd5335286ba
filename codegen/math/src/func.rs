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

            /// Bound on the error of the `f64` routine on any instruction set, in units in the last place of the result.
            ///
            /// Measured, not proved: some 10^6 points per function, many of them in delicate places, were compared with a
            /// (nearly) correctly rounded library, and thousands of those that differed with arbitrary-precision values.
            /// The bound is the largest error seen, rounded up.
            pub fn ulp_f64(self) -> f64 {
                match self { $(Func::$func => $ulp64,)* }
            }

            /// Bound on the error of the `f32` routine, likewise: over 10^8 points for functions of one operand, every 37th
            /// `f32` there is, and 10^6 for those of two.
            pub fn ulp_f32(self) -> f64 {
                match self { $(Func::$func => $ulp32,)* }
            }

            /// Cost of the `f64` block routine, in nanoseconds per element on an AVX-512 core (Zen 5, in L1): compare, don't
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
    // variant  name      arity  kernel               ulp: f64, f32  ns: f64, f32
    /// `e^x`.
    Exp       "exp"       unary  exp::Exp,           [0.72, 1.05], [ 0.60,  0.22];
    /// `2^x`.
    Exp2      "exp2"      unary  exp::Exp2,          [0.75, 1.15], [ 0.53,  0.21];
    /// `e^x - 1`.
    Expm1     "expm1"     unary  exp::Expm1,         [0.58, 1.60], [ 0.88,  0.23];
    /// Natural logarithm.
    Log       "log"       unary  log::Log,           [0.62, 0.85], [ 0.69,  0.27];
    /// Logarithm to base 2.
    Log2      "log2"      unary  log::Log2,          [0.72, 0.95], [ 0.98,  0.33];
    /// Logarithm to base 10.
    Log10     "log10"     unary  log::Log10,         [0.62, 0.90], [ 0.99,  0.33];
    /// `log(1 + x)`.
    Log1p     "log1p"     unary  log::Log1p,         [0.65, 1.45], [ 0.93,  0.33];
    /// Sine.
    Sin       "sin"       unary  trig::Sin,          [0.75, 0.85], [ 0.95,  0.32];
    /// Cosine.
    Cos       "cos"       unary  trig::Cos,          [0.75, 0.85], [ 0.90,  0.32];
    /// Tangent.
    Tan       "tan"       unary  trig::Tan,          [0.85, 1.05], [ 1.40,  0.48];
    /// Inverse sine.
    Asin      "asin"      unary  arc::Asin,          [0.75, 0.70], [ 0.63,  0.24];
    /// Inverse cosine.
    Acos      "acos"      unary  arc::Acos,          [0.72, 0.70], [ 0.68,  0.27];
    /// Inverse tangent.
    Atan      "atan"      unary  arc::Atan,          [0.85, 1.65], [ 0.80,  0.23];
    /// Hyperbolic sine.
    Sinh      "sinh"      unary  hyperbolic::Sinh,   [0.79, 1.36], [ 0.73,  0.29];
    /// Hyperbolic cosine.
    Cosh      "cosh"      unary  hyperbolic::Cosh,   [0.74, 1.85], [ 0.70,  0.26];
    /// Hyperbolic tangent.
    Tanh      "tanh"      unary  hyperbolic::Tanh,   [0.57, 0.95], [ 1.20,  0.42];
    /// Inverse hyperbolic sine.
    Asinh     "asinh"     unary  hyperbolic::Asinh,  [0.67, 0.51], [ 1.90,  1.80];
    /// Inverse hyperbolic cosine.
    Acosh     "acosh"     unary  hyperbolic::Acosh,  [0.65, 0.51], [ 1.50,  1.50];
    /// Inverse hyperbolic tangent.
    Atanh     "atanh"     unary  hyperbolic::Atanh,  [0.70, 0.51], [ 1.30,  1.40];
    /// Cube root.
    Cbrt      "cbrt"      unary  power::Cbrt,        [0.51, 0.75], [ 0.85,  0.38];
    /// Error function.
    Erf       "erf"       unary  erf::Erf,           [0.95, 1.62], [ 1.80,  0.34];
    /// Complementary error function.
    Erfc      "erfc"      unary  erf::Erfc,          [0.85, 0.55], [ 2.30,  1.05];
    /// Logarithm of the absolute value of the gamma function.
    Lgamma    "lgamma"    unary  library::Lgamma,    [0.51, 0.51], [59.00,  6.00];
    /// The gamma function.
    Tgamma    "tgamma"    unary  library::Tgamma,    [0.85, 0.60], [53.00,  8.50];
    /// Square root, correctly rounded.
    Sqrt      "sqrt"      unary  hardware::Sqrt,     [0.50, 0.50], [ 0.28,  0.11];
    /// `x^y`.
    Pow       "pow"       binary power::Pow,         [0.80, 0.75], [ 2.90,  1.10];
    /// The angle of the point `(y, x)`: the first operand is `y`.
    Atan2     "atan2"     binary arc::Atan2,         [0.86, 1.75], [ 1.30,  0.52];
    /// `sqrt(x^2 + y^2)` without spurious overflow.
    Hypot     "hypot"     binary power::Hypot,       [0.94, 0.51], [ 0.55,  0.35];
    /// Remainder of `x / y` truncated, exact; the sign is that of `x`.
    Fmod      "fmod"      binary library::Fmod,      [0.00, 0.00], [ 3.00,  2.60];
    /// The next value after `x` towards `y`, exact.
    Nextafter "nextafter" binary library::Nextafter, [0.00, 0.00], [ 1.80,  1.80];
    /// Quotient, correctly rounded.
    Div       "divide"    binary hardware::Div,      [0.50, 0.50], [ 0.27,  0.16];
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
