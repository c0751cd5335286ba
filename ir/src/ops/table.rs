//! The rows.

use super::body::*;
use super::{
    B, CX, Class, Combine, ComplexFn, Domain, ExpandFn, F, Gives, I, InferFn, Kinds, OpDef, Promote,
};
use super::{BodyFn, complex as cx, expand as ex};
use crate::attrs::Key;
use crate::infer as inf;
use crate::prim::Prim;

const fn row(name: &'static str, class: Class, inputs: (usize, usize), infer: InferFn) -> OpDef {
    OpDef {
        name,
        numpy: name,
        class,
        min_inputs: inputs.0,
        max_inputs: inputs.1,
        attrs: &[],
        infer,
        takes: Kinds(31),
        promote: Promote::Common,
        gives: Gives::Same,
        body: None,
        complex: None,
        combine: None,
        expand: None,
        commutative: false,
        overwrites: None,
        domain: Domain::All,
        ulp: [0.0, 0.0],
        doc: "",
    }
}

/// An elementwise op of `n` operands of the kinds `takes`.
const fn ew(name: &'static str, n: usize, takes: Kinds, body: BodyFn) -> OpDef {
    OpDef { takes, body: Some(body), ..row(name, Class::Elementwise, (n, n), inf::elementwise) }
}

/// An elementwise function of the vector math library: at most 1 ulp in f64 and 2 in f32.
const fn math(name: &'static str, n: usize, takes: Kinds, body: BodyFn) -> OpDef {
    OpDef { promote: Promote::Float, ulp: [2.0, 1.0], ..ew(name, n, takes, body) }
}

/// A comparison: two operands of one type, bool result.
const fn compare(name: &'static str, body: BodyFn, complex: ComplexFn) -> OpDef {
    OpDef { gives: Gives::Bool, complex: Some(complex), ..ew(name, 2, ANY, body) }
}

const fn reduce(name: &'static str, takes: Kinds, combine: Combine) -> OpDef {
    OpDef {
        takes,
        combine: Some(combine),
        attrs: &[(Key::Axes, true), (Key::Keepdims, true)],
        ..row(name, Class::Reduce, (1, 1), inf::reduce)
    }
}

const fn cumulative(name: &'static str, combine: Combine) -> OpDef {
    OpDef {
        combine: Some(combine),
        attrs: &[(Key::Axis, true)],
        ..row(name, Class::Cumulative, (1, 1), inf::cumulative)
    }
}

const fn view(name: &'static str, infer: InferFn, attrs: &'static [(Key, bool)]) -> OpDef {
    OpDef { attrs, ..row(name, Class::View, (1, 1), infer) }
}

const fn library(name: &'static str, inputs: usize, infer: InferFn, attrs: &'static [(Key, bool)]) -> OpDef {
    OpDef { attrs, ..row(name, Class::Library, (inputs, inputs), infer) }
}

const fn composite(
    name: &'static str,
    inputs: (usize, usize),
    infer: InferFn,
    attrs: &'static [(Key, bool)],
    expand: ExpandFn,
) -> OpDef {
    OpDef { attrs, expand: Some(expand), ..row(name, Class::Composite, inputs, infer) }
}

/// A composite reduction over `axes`.
const fn stat(name: &'static str, takes: Kinds, infer: InferFn, expand: ExpandFn) -> OpDef {
    OpDef { takes, ..composite(name, (1, 1), infer, REDUCE, expand) }
}

impl OpDef {
    const fn cx(self, f: ComplexFn) -> OpDef {
        OpDef { complex: Some(f), ..self }
    }
    const fn gives(self, gives: Gives) -> OpDef {
        OpDef { gives, ..self }
    }
    const fn promote(self, promote: Promote) -> OpDef {
        OpDef { promote, ..self }
    }
    const fn commutes(self) -> OpDef {
        OpDef { commutative: true, ..self }
    }
    const fn overwrites(self, operand: usize) -> OpDef {
        OpDef { overwrites: Some(operand), ..self }
    }
    const fn domain(self, domain: Domain) -> OpDef {
        OpDef { domain, ..self }
    }
    const fn ulp(self, f32: f64, f64: f64) -> OpDef {
        OpDef { ulp: [f32, f64], ..self }
    }
    const fn numpy(self, numpy: &'static str) -> OpDef {
        OpDef { numpy, ..self }
    }
    const fn attrs(self, attrs: &'static [(Key, bool)]) -> OpDef {
        OpDef { attrs, ..self }
    }
    const fn doc(self, doc: &'static str) -> OpDef {
        OpDef { doc, ..self }
    }
}

const ANY: Kinds = B.or(I).or(F).or(CX);
const NUM: Kinds = I.or(F).or(CX);
const REAL: Kinds = I.or(F);
const BREAL: Kinds = B.or(I).or(F);
const FC: Kinds = F.or(CX);
const BI: Kinds = B.or(I);
const REDUCE: &[(Key, bool)] = &[(Key::Axes, true), (Key::Keepdims, true)];
const VARIANCE: &[(Key, bool)] = &[(Key::Axes, true), (Key::Keepdims, true), (Key::Ddof, true)];
const REGION: &[(Key, bool)] =
    &[(Key::Body, true), (Key::Carries, true), (Key::Hi, true), (Key::Index, true), (Key::Lo, true)];

macro_rules! ops {
    ($($variant:ident = $row:expr;)*) => {
        /// An operation: a row of the table.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        #[allow(missing_docs)]
        pub enum Op { $($variant,)* }
        impl Op {
            /// Every operation, in table order.
            pub const ALL: &[Op] = &[$(Op::$variant),*];
        }
        pub(super) static ROWS: [OpDef; Op::ALL.len()] = [$($row),*];
    };
}

ops! {
    // Sources.
    Input = row("input", Class::Source, (0, 0), inf::none).attrs(&[(Key::Position, true)]).numpy("").doc("A parameter.");
    Constant = row("constant", Class::Source, (0, 0), inf::constant).attrs(&[(Key::Value, true)]).numpy("").doc("A 0-d constant.");
    Literal = row("literal", Class::Source, (0, 0), inf::literal).attrs(&[(Key::Data, true)]).numpy("").doc("An array constant.");
    Iota = row("iota", Class::Source, (0, 0), inf::iota).attrs(&[(Key::Axis, true), (Key::DType, true), (Key::Shape, true)]).numpy("").doc("The position along an axis.");
    DimValue = row("dim_value", Class::Source, (0, 0), inf::dim_value).attrs(&[(Key::Dim, true)]).numpy("").doc("An integer expression as a 0-d int64.");

    // Elementwise: arithmetic.
    Positive = ew("positive", 1, NUM, |_, a| a[0]).cx(|_, a| a[0]);
    ArithmeticFence = ew("arithmetic_fence", 1, FC, |_, a| a[0]).cx(|_, a| a[0]).numpy("").doc("Its operand as it was rounded: no rule looks through it.");
    Negative = ew("negative", 1, NUM, |b, a| b.neg(a[0])).cx(cx::negative);
    Absolute = ew("absolute", 1, ANY, absolute).cx(cx::absolute).gives(Gives::Real);
    Sign = ew("sign", 1, NUM, sign).cx(cx::sign);
    Add = ew("add", 2, ANY, add).cx(cx::add).commutes();
    Subtract = ew("subtract", 2, NUM, |b, a| b.sub(a[0], a[1])).cx(cx::subtract);
    Multiply = ew("multiply", 2, ANY, multiply).cx(cx::multiply).commutes();
    Divide = ew("divide", 2, FC, |b, a| b.div(a[0], a[1])).promote(Promote::Float64).cx(cx::divide).ulp(0.0, 0.0);
    FloorDivide = ew("floor_divide", 2, REAL, floor_divide);
    Remainder = ew("remainder", 2, REAL, remainder);
    Fmod = ew("fmod", 2, REAL, fmod);
    Power = ew("power", 2, NUM, power).cx(cx::power).ulp(2.0, 1.0).domain(Domain::SmallSecond);
    Square = ew("square", 1, NUM, |b, a| b.mul(a[0], a[0])).cx(|b, a| cx::multiply(b, &[a[0], a[0]]));
    Reciprocal = ew("reciprocal", 1, NUM, reciprocal).cx(cx::reciprocal);
    Sqrt = math("sqrt", 1, FC, |b, a| b.sqrt(a[0])).cx(cx::sqrt).ulp(0.0, 0.0);
    Cbrt = math("cbrt", 1, F, |b, a| b.prim(Prim::Cbrt, a));
    Hypot = math("hypot", 2, F, |b, a| b.hypot(a[0], a[1])).commutes();
    Maximum = ew("maximum", 2, ANY, |b, a| b.max(a[0], a[1])).cx(cx::maximum);
    Minimum = ew("minimum", 2, ANY, |b, a| b.min(a[0], a[1])).cx(cx::minimum);
    Fmax = ew("fmax", 2, ANY, fmax).cx(cx::fmax);
    Fmin = ew("fmin", 2, ANY, fmin).cx(cx::fmin);
    Clip = ew("clip", 3, ANY, |b, a| { let x = b.max(a[0], a[1]); b.min(x, a[2]) }).cx(cx::clip);

    // Elementwise: exponentials and logarithms.
    Exp = math("exp", 1, FC, |b, a| b.exp(a[0])).cx(cx::exp).domain(Domain::Moderate);
    Exp2 = math("exp2", 1, FC, |b, a| b.prim(Prim::Exp2, a)).cx(cx::exp2).domain(Domain::Moderate);
    Expm1 = math("expm1", 1, FC, |b, a| b.expm1(a[0])).cx(cx::expm1).domain(Domain::Moderate);
    Log = math("log", 1, FC, |b, a| b.log(a[0])).cx(cx::log);
    Log2 = math("log2", 1, FC, |b, a| b.prim(Prim::Log2, a)).cx(cx::log2);
    Log10 = math("log10", 1, FC, |b, a| b.prim(Prim::Log10, a)).cx(cx::log10);
    Log1p = math("log1p", 1, FC, |b, a| b.log1p(a[0])).cx(cx::log1p);
    Logaddexp = math("logaddexp", 2, F, logaddexp).ulp(4.0, 4.0).domain(Domain::Moderate);
    Logaddexp2 = math("logaddexp2", 2, F, logaddexp2).ulp(4.0, 4.0).domain(Domain::Moderate);

    // Elementwise: trigonometric and hyperbolic.
    Sin = math("sin", 1, FC, |b, a| b.sin(a[0])).cx(cx::sin);
    Cos = math("cos", 1, FC, |b, a| b.cos(a[0])).cx(cx::cos);
    Tan = math("tan", 1, FC, |b, a| b.prim(Prim::Tan, a)).cx(cx::tan);
    Arcsin = math("arcsin", 1, FC, |b, a| b.prim(Prim::Asin, a)).cx(cx::arcsin).domain(Domain::Unit);
    Arccos = math("arccos", 1, FC, |b, a| b.prim(Prim::Acos, a)).cx(cx::arccos).domain(Domain::Unit);
    Arctan = math("arctan", 1, FC, |b, a| b.prim(Prim::Atan, a)).cx(cx::arctan);
    Arctan2 = math("arctan2", 2, F, |b, a| b.atan2(a[0], a[1]));
    Sinh = math("sinh", 1, FC, |b, a| b.sinh(a[0])).cx(cx::sinh).domain(Domain::Moderate);
    Cosh = math("cosh", 1, FC, |b, a| b.cosh(a[0])).cx(cx::cosh).domain(Domain::Moderate);
    Tanh = math("tanh", 1, FC, |b, a| b.tanh(a[0])).cx(cx::tanh);
    Arcsinh = math("arcsinh", 1, FC, |b, a| b.prim(Prim::Asinh, a)).cx(cx::arcsinh);
    Arccosh = math("arccosh", 1, FC, |b, a| b.prim(Prim::Acosh, a)).cx(cx::arccosh);
    Arctanh = math("arctanh", 1, FC, |b, a| b.prim(Prim::Atanh, a)).cx(cx::arctanh).domain(Domain::Unit);
    Degrees = math("degrees", 1, F, |b, a| { let k = b.f(a[0], 180.0 / std::f64::consts::PI); b.mul(a[0], k) }).ulp(1.0, 0.0);
    Radians = math("radians", 1, F, |b, a| { let k = b.f(a[0], std::f64::consts::PI / 180.0); b.mul(a[0], k) }).ulp(1.0, 0.0);

    // Elementwise: special functions (scipy.special).
    Erf = math("erf", 1, F, |b, a| b.prim(Prim::Erf, a)).numpy("scipy.special.erf");
    Erfc = math("erfc", 1, F, |b, a| b.prim(Prim::Erfc, a)).numpy("scipy.special.erfc");
    Lgamma = math("lgamma", 1, F, |b, a| b.prim(Prim::Lgamma, a)).numpy("scipy.special.gammaln").ulp(4.0, 4.0);
    Gamma = math("gamma", 1, F, |b, a| b.prim(Prim::Tgamma, a)).numpy("scipy.special.gamma").ulp(4.0, 4.0);

    // Elementwise: rounding and float parts.
    Floor = ew("floor", 1, BREAL, |b, a| rounding(b, Prim::Floor, a[0]));
    Ceil = ew("ceil", 1, BREAL, |b, a| rounding(b, Prim::Ceil, a[0]));
    Trunc = ew("trunc", 1, BREAL, |b, a| rounding(b, Prim::Trunc, a[0]));
    Rint = ew("rint", 1, FC, |b, a| b.rint(a[0])).promote(Promote::Float).cx(cx::rint);
    Copysign = math("copysign", 2, F, |b, a| b.copysign(a[0], a[1])).ulp(0.0, 0.0);
    Nextafter = math("nextafter", 2, F, |b, a| b.prim(Prim::Nextafter, a)).ulp(0.0, 0.0);
    Heaviside = math("heaviside", 2, F, heaviside).ulp(0.0, 0.0);
    Ldexp = ew("ldexp", 2, F, ldexp).promote(Promote::FloatInt).domain(Domain::SmallSecond);
    FrexpMantissa = math("frexp_mantissa", 1, F, frexp_mantissa).ulp(0.0, 0.0).numpy("frexp").doc("First result of frexp.");
    FrexpExponent = math("frexp_exponent", 1, F, frexp_exponent).gives(Gives::Int32).ulp(0.0, 0.0).numpy("frexp").doc("Second result of frexp.");

    // Elementwise: complex parts.
    Real = ew("real", 1, ANY, |_, a| a[0]).cx(|_, a| a[0]).gives(Gives::Real);
    Imag = ew("imag", 1, ANY, |b, a| zero_like(b, a[0])).cx(|_, a| super::C { re: a[0].im, im: a[0].im }).gives(Gives::Real);
    Conjugate = ew("conjugate", 1, NUM, |_, a| a[0]).cx(cx::conjugate);
    Angle = math("angle", 1, FC, angle).cx(cx::angle).gives(Gives::Real);
    MakeComplex = ew("make_complex", 2, F, |_, a| a[0]).numpy("").doc("A complex number from real and imaginary parts.").gives(Gives::Attribute).attrs(&[(Key::DType, true)]);

    // Elementwise: tests and comparisons.
    Isnan = ew("isnan", 1, ANY, |b, a| b.is_nan(a[0])).cx(cx::isnan).gives(Gives::Bool);
    Isinf = ew("isinf", 1, ANY, isinf).cx(cx::isinf).gives(Gives::Bool);
    Isfinite = ew("isfinite", 1, ANY, isfinite).cx(cx::isfinite).gives(Gives::Bool);
    Signbit = math("signbit", 1, F, |b, a| b.sign_bit(a[0])).gives(Gives::Bool).ulp(0.0, 0.0);
    Equal = compare("equal", |b, a| b.eq(a[0], a[1]), cx::equal).commutes();
    NotEqual = compare("not_equal", |b, a| b.ne(a[0], a[1]), cx::not_equal).commutes();
    Less = compare("less", |b, a| b.lt(a[0], a[1]), cx::less);
    LessEqual = compare("less_equal", |b, a| b.le(a[0], a[1]), cx::less_equal);
    Greater = compare("greater", |b, a| b.lt(a[1], a[0]), cx::greater);
    GreaterEqual = compare("greater_equal", |b, a| b.le(a[1], a[0]), cx::greater_equal);

    // Elementwise: logic and bits.
    LogicalNot = ew("logical_not", 1, B, |b, a| b.not(a[0])).promote(Promote::Bool);
    LogicalAnd = ew("logical_and", 2, B, |b, a| b.and(a[0], a[1])).promote(Promote::Bool).commutes();
    LogicalOr = ew("logical_or", 2, B, |b, a| b.or(a[0], a[1])).promote(Promote::Bool).commutes();
    LogicalXor = ew("logical_xor", 2, B, |b, a| b.xor(a[0], a[1])).promote(Promote::Bool).commutes();
    Invert = ew("invert", 1, BI, |b, a| b.not(a[0]));
    BitwiseAnd = ew("bitwise_and", 2, BI, |b, a| b.and(a[0], a[1])).commutes();
    BitwiseOr = ew("bitwise_or", 2, BI, |b, a| b.or(a[0], a[1])).commutes();
    BitwiseXor = ew("bitwise_xor", 2, BI, |b, a| b.xor(a[0], a[1])).commutes();
    LeftShift = ew("left_shift", 2, I, |b, a| b.shl(a[0], a[1])).domain(Domain::SmallSecond);
    RightShift = ew("right_shift", 2, I, |b, a| b.shr(a[0], a[1])).domain(Domain::SmallSecond);
    Gcd = ew("gcd", 2, I, |b, a| b.prim(Prim::Gcd, a)).commutes();
    Lcm = ew("lcm", 2, I, lcm).commutes();
    Where = ew("where", 3, ANY, |b, a| b.select(a[0], a[1], a[2])).promote(Promote::Where).cx(cx::select);
    Cast = ew("cast", 1, ANY, |_, a| a[0]).numpy("astype").gives(Gives::Attribute).attrs(&[(Key::DType, true)]);

    // Reductions.
    Sum = reduce("sum", NUM, Combine::Add);
    Prod = reduce("prod", NUM, Combine::Mul);
    Min = reduce("min", ANY, Combine::Min);
    Max = reduce("max", ANY, Combine::Max);
    Any = reduce("any", B, Combine::Or);
    All = reduce("all", B, Combine::And);
    Argmin = reduce("argmin", BREAL, Combine::ArgMin).doc("Over one axis.");
    Argmax = reduce("argmax", BREAL, Combine::ArgMax).doc("Over one axis.");
    Mean = stat("mean", FC, inf::float_stat, ex::mean);
    Var = stat("var", FC, inf::real_stat, ex::var).attrs(VARIANCE);
    Std = stat("std", FC, inf::real_stat, ex::std).attrs(VARIANCE);
    CountNonzero = stat("count_nonzero", ANY, inf::count, ex::count_nonzero);
    Logsumexp = stat("logsumexp", F, inf::float_stat, ex::logsumexp).numpy("scipy.special.logsumexp");
    Nansum = stat("nansum", NUM, inf::reduce, ex::nansum);
    Nanprod = stat("nanprod", NUM, inf::reduce, ex::nanprod);
    Nanmin = stat("nanmin", BREAL, inf::reduce, ex::nanmin);
    Nanmax = stat("nanmax", BREAL, inf::reduce, ex::nanmax);
    Nanmean = stat("nanmean", FC, inf::float_stat, ex::nanmean);
    Nanvar = stat("nanvar", F, inf::real_stat, ex::nanvar).attrs(VARIANCE);
    Nanstd = stat("nanstd", F, inf::real_stat, ex::nanstd).attrs(VARIANCE);

    // Cumulative.
    Cumsum = cumulative("cumsum", Combine::Add);
    Cumprod = cumulative("cumprod", Combine::Mul);
    Cummax = cumulative("cummax", Combine::Max).numpy("maximum.accumulate");
    Cummin = cumulative("cummin", Combine::Min).numpy("minimum.accumulate");

    // Views.
    Reshape = view("reshape", inf::reshape, &[(Key::Shape, true)]).doc("C order.");
    Transpose = view("transpose", inf::transpose, &[(Key::Perm, true)]);
    Slice = view("slice", inf::slice, &[(Key::Slices, true)]).numpy("");
    ExpandDims = view("expand_dims", inf::expand_dims, &[(Key::Axes, true)]);
    Squeeze = view("squeeze", inf::squeeze, &[(Key::Axes, true)]);
    BroadcastTo = view("broadcast_to", inf::broadcast_to, &[(Key::Shape, true)]);
    Rechunk = view("rechunk", inf::rechunk, &[(Key::Chunks, true)]).numpy("").doc("The same array, stored in blocks of `chunks` elements along each axis.");
    Diagonal = view("diagonal", inf::diagonal, &[(Key::Axis, true), (Key::Axis2, true), (Key::Offset, true)]).doc("The diagonal becomes the last axis.");

    // Movement.
    Concatenate = row("concatenate", Class::Movement, (1, usize::MAX), inf::concatenate).attrs(&[(Key::Axis, true)]);
    Pad = row("pad", Class::Movement, (2, 2), inf::pad).attrs(&[(Key::PadHigh, true), (Key::PadLow, true)]).doc("With a constant: operand 1, 0-d.");
    Gather = row("gather", Class::Movement, (2, usize::MAX), inf::gather).attrs(&[(Key::Axes, true)]).numpy("").doc("x at broadcast int64 indices, one operand per axis in `axes`; negative indices count from the end. Result: index shape, then the other axes.");
    Scatter = row("scatter", Class::Movement, (3, usize::MAX), inf::scatter).attrs(&[(Key::Axes, true), (Key::Mode, true)]).numpy("ufunc.at").doc("x with updates (operand 1) set, added, multiplied or combined by min/max at the places `gather` would read; later duplicates win.");
    UpdateSlice = row("update_slice", Class::Movement, (2, 2), inf::update_slice).attrs(&[(Key::Slices, true)]).numpy("").doc("x with the elements that `slice` would take replaced by operand 1, which broadcasts.");
    Triu = composite("triu", (1, 1), inf::matrix_same, &[(Key::Offset, true)], ex::triu);
    Tril = composite("tril", (1, 1), inf::matrix_same, &[(Key::Offset, true)], ex::tril);
    Roll = composite("roll", (1, 1), inf::roll, &[(Key::Axes, true), (Key::Shift, true)], ex::roll);
    Stack = composite("stack", (1, usize::MAX), inf::stack, &[(Key::Axis, true)], ex::stack);
    Tile = composite("tile", (1, 1), inf::tile, &[(Key::Shape, true)], ex::tile).doc("`shape` holds one repetition count per axis.");
    Repeat = composite("repeat", (1, 1), inf::repeat, &[(Key::Axis, true), (Key::N, true)], ex::repeat).doc("Each element `n` times.");
    Trace = composite("trace", (1, 1), inf::trace, &[(Key::Axis, true), (Key::Axis2, true), (Key::Offset, true)], ex::trace);

    // Library: products, linear algebra (numpy.linalg), transforms (numpy.fft), order.
    Matmul = library("matmul", 2, inf::matmul, &[]).doc("Both operands have at least 2 axes; batch axes broadcast.");
    Gemm = library("gemm", 5, inf::gemm, &[]).overwrites(2).numpy("scipy.linalg.blas.dgemm").doc("alpha (a b) + beta c of operands a, b, c, alpha, beta; c broadcasts to the product, alpha and beta are 0-d. Each operation rounds, as if they were apart.");
    Inv = library("inv", 1, inf::square_same, &[]).numpy("linalg.inv");
    InvPosdef = library("inv_posdef", 1, inf::square_same, &[]).numpy("scipy.linalg.inv").doc("`inv` of a Hermitian matrix that is expected to be positive definite, by Cholesky; one that is not is inverted all the same.");
    Cholesky = library("cholesky", 1, inf::square_same, &[]).numpy("linalg.cholesky").doc("Lower factor.");
    Solve = library("solve", 2, inf::solve, &[]).numpy("linalg.solve").doc("Right-hand sides are the columns of operand 1.");
    SolvePosdef = library("solve_posdef", 2, inf::solve, &[]).numpy("scipy.linalg.solve").doc("`solve` for a Hermitian matrix that is expected to be positive definite, by Cholesky; one that is not is solved all the same.");
    SolveTriangular = library("solve_triangular", 2, inf::solve, &[(Key::Lower, true)]).numpy("scipy.linalg.solve_triangular");
    Lu = library("lu", 1, inf::lu, &[]).numpy("scipy.linalg.lu").doc("P, L, U with A = P L U.");
    LuFactor = library("lu_factor", 1, inf::lu_factor, &[(Key::Posdef, true)]).numpy("scipy.linalg.lu_factor").doc("L below the diagonal of U in one matrix, and for each row, in order, the row that it was exchanged with. With `posdef` by Cholesky where that exists: L is scaled to a diagonal of ones, and no rows are exchanged.");
    LuSolve = library("lu_solve", 3, inf::lu_solve, &[]).numpy("scipy.linalg.lu_solve").doc("`solve` of the matrix of which operands 0 and 1 are the `lu_factor`; right-hand sides are the columns of operand 2.");
    Qr = library("qr", 1, inf::qr, &[(Key::Full, true)]).numpy("linalg.qr");
    Svd = library("svd", 1, inf::svd, &[(Key::Full, true)]).numpy("linalg.svd").doc("U, S, V^H.");
    Svdvals = library("svdvals", 1, inf::svdvals, &[]).numpy("linalg.svdvals");
    Eigh = library("eigh", 1, inf::eigh, &[(Key::Lower, true)]).numpy("linalg.eigh").doc("Eigenvalues ascending, eigenvectors in columns.");
    Eigvalsh = library("eigvalsh", 1, inf::eigvalsh, &[(Key::Lower, true)]).numpy("linalg.eigvalsh");
    Eig = library("eig", 1, inf::eig, &[]).numpy("linalg.eig").doc("Complex results.");
    Eigvals = library("eigvals", 1, inf::eigvals, &[]).numpy("linalg.eigvals").doc("Complex result.");
    Det = library("det", 1, inf::det, &[]).numpy("linalg.det");
    Slogdet = library("slogdet", 1, inf::slogdet, &[]).numpy("linalg.slogdet").doc("Sign and natural logarithm.");
    Lstsq = library("lstsq", 2, inf::lstsq, &[(Key::Value, true)]).numpy("linalg.lstsq").doc("Solution, residuals, rank, singular values; `value` is rcond.");
    Fft = library("fft", 1, inf::fft, &[(Key::Axis, true), (Key::N, true), (Key::Scale, true)]).numpy("fft.fft");
    Ifft = library("ifft", 1, inf::fft, &[(Key::Axis, true), (Key::N, true), (Key::Scale, true)]).numpy("fft.ifft").doc("Unscaled but for `scale`.");
    Rfft = library("rfft", 1, inf::rfft, &[(Key::Axis, true), (Key::N, true), (Key::Scale, true)]).numpy("fft.rfft");
    Irfft = library("irfft", 1, inf::irfft, &[(Key::Axis, true), (Key::N, true), (Key::Scale, true)]).numpy("fft.irfft").doc("`n` real values; unscaled but for `scale`.");
    Sort = library("sort", 1, inf::sort, &[(Key::Axis, true)]).doc("Ascending, NaN last.");
    Argsort = library("argsort", 1, inf::argsort, &[(Key::Axis, true)]).doc("Stable, NaN last.");
    OrderStatistics = library("order_statistics", 2, inf::order_statistics, &[(Key::Axis, true)]).numpy("").doc("The elements that `sort` puts at the positions of operand 1 (int64, along the axis; 1-d: the same for all rows), clipped to the axis.");
    ArgOrderStatistics = library("arg_order_statistics", 2, inf::arg_order_statistics, &[(Key::Axis, true)]).numpy("").doc("What `argsort` puts at the positions of operand 1, as `order_statistics`.");
    Searchsorted = library("searchsorted", 2, inf::searchsorted, &[(Key::Mode, true)]).doc("Positions of operand 1 in sorted 1-d operand 0; mode left or right.");

    // Regions.
    For = row("for", Class::Region, (0, usize::MAX), inf::for_region).attrs(REGION).numpy("").doc("Operands and body parameters: `carries` carried values, then captures. Results: the carried values, then one stacked result per further body result.");
    While = row("while", Class::Region, (0, usize::MAX), inf::while_region).attrs(&[(Key::Body, true), (Key::Carries, true), (Key::Cond, true)]).numpy("").doc("Operands: carried values, then captures; both regions take them all.");
    If = row("if", Class::Region, (1, usize::MAX), inf::if_region).attrs(&[(Key::Body, true), (Key::Else, true)]).numpy("").doc("Operands: a bool, then captures, which both regions take.");
}
