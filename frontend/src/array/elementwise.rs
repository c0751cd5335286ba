//! Elementwise methods.

use super::{Array, Operand, build, build_all, build_from};
use crate::numpy;
use crate::tracer::elementwise;
use frit_ir::{DType, Op};

macro_rules! unary {
    ($($name:ident $op:ident;)*) => {
        impl Array {$(
            #[doc = concat!("Elementwise `", stringify!($name), "`, as NumPy's.")]
            #[track_caller]
            pub fn $name(self) -> Array { elementwise(Op::$op, &[self.into()]) }
        )*}
    };
}

macro_rules! binary {
    ($($name:ident $op:ident;)*) => {
        impl Array {$(
            #[doc = concat!("Elementwise `", stringify!($name), "`, as NumPy's; shapes broadcast.")]
            #[track_caller]
            pub fn $name(self, other: impl Into<Operand>) -> Array { elementwise(Op::$op, &[self.into(), other.into()]) }
        )*}
    };
}

unary! {
    positive Positive; absolute Absolute; sign Sign; square Square; sqrt Sqrt; cbrt Cbrt; reciprocal Reciprocal;
    exp Exp; exp2 Exp2; expm1 Expm1; log Log; log2 Log2; log10 Log10; log1p Log1p;
    sin Sin; cos Cos; tan Tan; arcsin Arcsin; arccos Arccos; arctan Arctan;
    sinh Sinh; cosh Cosh; tanh Tanh; arcsinh Arcsinh; arccosh Arccosh; arctanh Arctanh;
    degrees Degrees; radians Radians; erf Erf; erfc Erfc; lgamma Lgamma; gamma Gamma;
    floor Floor; ceil Ceil; trunc Trunc; rint Rint; real Real; imag Imag; conjugate Conjugate; angle Angle;
    isnan Isnan; isinf Isinf; isfinite Isfinite; signbit Signbit; logical_not LogicalNot; invert Invert;
    frexp_mantissa FrexpMantissa; frexp_exponent FrexpExponent;
}

binary! {
    add_ Add; subtract Subtract; multiply Multiply; divide Divide; floor_divide FloorDivide; remainder Remainder;
    fmod Fmod; power Power; maximum Maximum; minimum Minimum; fmax Fmax; fmin Fmin; hypot Hypot; arctan2 Arctan2;
    logaddexp Logaddexp; logaddexp2 Logaddexp2; copysign Copysign; nextafter Nextafter; heaviside Heaviside;
    ldexp Ldexp; equal Equal; not_equal NotEqual; less Less; less_equal LessEqual; greater Greater;
    greater_equal GreaterEqual; logical_and LogicalAnd; logical_or LogicalOr; logical_xor LogicalXor; gcd Gcd; lcm Lcm;
    bitwise_and BitwiseAnd; bitwise_or BitwiseOr; bitwise_xor BitwiseXor; left_shift LeftShift;
    right_shift RightShift;
}

macro_rules! composed {
    ($($(#[doc = $doc:literal])* $name:ident;)*) => {
        impl Array {$(
            $(#[doc = $doc])*
            #[track_caller]
            pub fn $name(self) -> Array { build(&[self], |b, v| numpy::$name(b, v[0])) }
        )*}
    };
}

composed! {
    /// Towards zero, as floats.
    fix;
    /// Equal to plus infinity.
    isposinf;
    /// Equal to minus infinity.
    isneginf;
    /// Without an imaginary part.
    isreal;
    /// With an imaginary part.
    iscomplex;
    /// `sin(pi x) / (pi x)`, 1 at 0.
    sinc;
    /// The modified Bessel function of the first kind of order 0.
    i0;
}

impl Array {
    /// The same values as another element type.
    #[track_caller]
    pub fn astype(self, dtype: DType) -> Array {
        build(&[self], |b, v| b.cast(v[0], dtype))
    }

    /// Clipped to `low..=high`.
    #[track_caller]
    pub fn clip(self, low: impl Into<Operand>, high: impl Into<Operand>) -> Array {
        build_from(&[self.into(), low.into(), high.into()], |b, v| {
            numpy::clip(b, v[0], Some(v[1]), Some(v[2]))
        })
    }

    /// Rounded to a number of decimals, halves to even.
    #[track_caller]
    pub fn round(self, decimals: i32) -> Array {
        build(&[self], |b, v| numpy::round(b, v[0], decimals))
    }

    /// NaN replaced with 0 and infinities with the largest finite numbers.
    #[track_caller]
    pub fn nan_to_num(self) -> Array {
        build(&[self], |b, v| numpy::nan_to_num(b, v[0], 0.0, None, None))
    }

    /// Elements within NumPy's default tolerances of `other`: `|x - y| <= 1e-8 + 1e-5 |y|`.
    #[track_caller]
    pub fn isclose(self, other: impl Into<Operand>) -> Array {
        build_from(&[self.into(), other.into()], |b, v| numpy::isclose(b, v[0], v[1], 1e-5, 1e-8, false))
    }

    /// True if all elements are close to those of `other`.
    #[track_caller]
    pub fn allclose(self, other: impl Into<Operand>) -> Array {
        build_from(&[self.into(), other.into()], |b, v| numpy::allclose(b, v[0], v[1], 1e-5, 1e-8, false))
    }

    /// True if shapes and all elements are equal.
    #[track_caller]
    pub fn array_equal(self, other: Array) -> Array {
        build(&[self, other], |b, v| numpy::array_equal(b, v[0], v[1]))
    }

    /// Floor division and remainder.
    #[track_caller]
    pub fn divmod(self, other: impl Into<Operand>) -> [Array; 2] {
        let other = other.into();
        [self.floor_divide(other), self.remainder(other)]
    }

    /// Fractional and integral part, both with the sign of the number.
    #[track_caller]
    pub fn modf(self) -> [Array; 2] {
        let r = build_all(&[self], 2, |b, v| numpy::modf(b, v[0]).map(Vec::from));
        [r[0], r[1]]
    }

    /// Mantissa and exponent.
    #[track_caller]
    pub fn frexp(self) -> [Array; 2] {
        let r = build_all(&[self], 2, |b, v| numpy::frexp(b, v[0]).map(Vec::from));
        [r[0], r[1]]
    }

    /// A power in `float64` (or `complex128`).
    #[track_caller]
    pub fn float_power(self, other: impl Into<Operand>) -> Array {
        build_from(&[self.into(), other.into()], |b, v| numpy::float_power(b, v[0], v[1]))
    }
}

/// `where(condition, x, y)`.
#[track_caller]
pub fn where_(condition: Array, x: impl Into<Operand>, y: impl Into<Operand>) -> Array {
    elementwise(Op::Where, &[condition.into(), x.into(), y.into()])
}

/// The first choice whose condition holds, else `default`.
#[track_caller]
pub fn select(conditions: &[Array], choices: &[Array], default: impl Into<Operand>) -> Array {
    let n = conditions.len();
    let mut all: Vec<Operand> = conditions.iter().chain(choices).map(|a| Operand::Array(*a)).collect();
    all.push(default.into());
    build_from(&all, |b, v| {
        let (c, rest) = v.split_at(n);
        let (default, choices) = rest.split_last().expect("the default is last");
        numpy::select(b, c, choices, *default)
    })
}

/// `choices[x]`, element by element: `x` holds positions in the list.
#[track_caller]
pub fn choose(x: Array, choices: &[Array]) -> Array {
    let all: Vec<Array> = std::iter::once(x).chain(choices.iter().copied()).collect();
    build(&all, |b, v| numpy::choose_from(b, v[0], &v[1..], numpy::TakeMode::Raise))
}

/// A polynomial with the highest coefficient first.
#[track_caller]
pub fn polyval(p: Array, x: Array) -> Array {
    build(&[p, x], |b, v| numpy::polyval(b, v[0], v[1]))
}
