//! Discrete Fourier transforms along one axis, of any length, on rustfft and realfft.
//!
//! Lengths with small factors take mixed radices, others Rader's or Bluestein's algorithm: all O(n log n). Rows are
//! zero-padded or cut to `n`. Results are multiplied by `scale`; nothing else is normalized.

use crate::dtype::{DType, Element};
use crate::error::{ErrorKind, LibraryError};
use crate::lanes::{blocks, emit, lanes, load, most_lanes, output_bytes, stage};
use crate::scratch;
use crate::table::{Call, Needs, Problem};
use num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use rustfft::{Fft, FftDirection, FftNum, FftPlanner};
use std::ops::{MulAssign, Range};
use std::sync::{Arc, Mutex, PoisonError};

/// Plans are kept while their lengths together are below this, or there is only one.
const CACHED_POINTS: usize = 1 << 21;

/// Number of plans kept.
const CACHED_PLANS: usize = 64;

/// Up to this length the workspace is exactly what the plan asks for; above, making a plan takes too long to be done for
/// a projection, and a bound takes its place.
const EXACT: usize = 1 << 16;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Complex(FftDirection),
    RealToComplex,
    ComplexToReal,
}

#[derive(Clone)]
enum Transform<T> {
    Complex(Arc<dyn Fft<T>>),
    RealToComplex(Arc<dyn RealToComplex<T>>),
    ComplexToReal(Arc<dyn ComplexToReal<T>>),
}

impl<T: FftNum> Transform<T> {
    /// Makes a plan. The planner is dropped: it would keep the tables of every length it has seen.
    fn new(kind: Kind, n: usize) -> Transform<T> {
        match kind {
            Kind::Complex(direction) => Transform::Complex(FftPlanner::new().plan_fft(n, direction)),
            Kind::RealToComplex => Transform::RealToComplex(RealFftPlanner::new().plan_fft_forward(n)),
            Kind::ComplexToReal => Transform::ComplexToReal(RealFftPlanner::new().plan_fft_inverse(n)),
        }
    }

    fn scratch(&self) -> usize {
        match self {
            Transform::Complex(t) => t.get_inplace_scratch_len(),
            Transform::RealToComplex(t) => t.get_scratch_len(),
            Transform::ComplexToReal(t) => t.get_scratch_len(),
        }
    }
}

/// Plans by kind and length, the last used first.
type Cache<T> = Mutex<Vec<(Kind, usize, Transform<T>)>>;

trait Float: FftNum + Element + Default + MulAssign {
    fn cache() -> &'static Cache<Self>;
    fn of(x: f64) -> Self;
}

macro_rules! floats {
    ($($t:ty),*) => {$(
        impl Float for $t {
            fn cache() -> &'static Cache<$t> {
                static CACHE: Cache<$t> = Mutex::new(Vec::new());
                &CACHE
            }
            fn of(x: f64) -> $t { x as $t }
        }
    )*};
}
floats!(f32, f64);

fn transform<T: Float>(kind: Kind, n: usize) -> Transform<T> {
    let lock = || T::cache().lock().unwrap_or_else(PoisonError::into_inner);
    {
        let mut cache = lock();
        if let Some(at) = cache.iter().position(|(k, len, _)| (*k, *len) == (kind, n)) {
            cache[..=at].rotate_right(1);
            return cache[0].2.clone();
        }
    }
    // Made outside the lock, which others need meanwhile; two threads may make the same plan.
    let new = Transform::new(kind, n);
    let mut cache = lock();
    cache.insert(0, (kind, n, new.clone()));
    cache.truncate(CACHED_PLANS);
    while cache.len() > 1 && cache.iter().map(|(_, n, _)| n).sum::<usize>() > CACHED_POINTS {
        cache.pop();
    }
    new
}

/// True for products of small primes, whose plans are smaller.
fn is_smooth(mut n: usize) -> bool {
    for p in [2, 3, 5, 7, 11] {
        while n.is_multiple_of(p) {
            n /= p;
        }
    }
    n == 1
}

/// Complex numbers of scratch for one row.
fn scratch_points<T: Float>(kind: Kind, n: usize, exact: bool) -> usize {
    if n <= EXACT && exact {
        return transform::<T>(kind, n).scratch();
    }
    // rustfft's and realfft's needs, plus slack: tested over lengths of all sorts.
    if is_smooth(n) && exact { 3 * n + 4096 } else { 8 * n + 4096 }
}

/// Bytes of the tables of a plan, and of its making: twiddle factors of each step, of which the first has one for each
/// point and the others fewer each; Bluestein's chirp and its transform. A real transform is one of half as many points.
fn table_bytes(kind: Kind, n: usize, complex: usize, exact: bool) -> usize {
    let points = match kind {
        _ if !is_smooth(n) || !exact => 12 * n,
        Kind::RealToComplex | Kind::ComplexToReal if n.is_multiple_of(2) => n,
        _ => n + n * 2 / 5,
    };
    (points + 1024) * complex + 16384
}

fn needs(p: &Problem<'_>, kind: Kind) -> Result<Needs, LibraryError> {
    let (shape, axis, n, dtype) = (p.shapes[0], p.params.axis, p.params.n, p.dtype);
    if axis >= shape.len() {
        return Err(LibraryError::invalid(format!("axis {axis} of an array with {} axes", shape.len())));
    }
    if n == 0 {
        return Err(LibraryError::invalid("Invalid number of FFT data points (0) specified."));
    }
    let is_complex = matches!(dtype, DType::C64 | DType::C128);
    if !dtype.is_inexact() || is_complex == (kind == Kind::RealToComplex) {
        return Err(LibraryError::invalid(format!("a transform of {dtype:?}")));
    }
    let (out, size) = match kind {
        Kind::Complex(_) => (dtype, n),
        Kind::RealToComplex => (dtype.complex(), n / 2 + 1),
        Kind::ComplexToReal => (dtype.real(), n),
    };
    let mut output = shape.to_vec();
    output[axis] = size;
    let rows = shape.iter().enumerate().filter(|(k, _)| *k != axis).map(|(_, n)| n).product();
    let complex = dtype.complex().size();
    let single = dtype.real() == DType::F32;
    let points = if single {
        scratch_points::<f32>(kind, n, p.exact)
    } else {
        scratch_points::<f64>(kind, n, p.exact)
    };
    let most_lanes = most_lanes(&output, axis, p.exact);
    let staged = match kind {
        Kind::Complex(_) => 0,
        Kind::RealToComplex => most_lanes * n * dtype.size(),
        Kind::ComplexToReal => most_lanes * (n / 2 + 1) * dtype.size(),
    };
    let bytes = output_bytes(&output, axis, out.size(), p.exact)
        + staged
        + points * complex
        + 2 * scratch::bytes::<u8>(0);
    let unit = lanes(&output, axis);
    let tables = table_bytes(kind, n, complex, p.exact);
    Ok(Needs {
        outputs: vec![(out, output)],
        rows,
        unit,
        shares: false,
        scratch: Box::new(move |_| bytes),
        work: n as f64 * (n.max(2) as f64).log2() * if is_smooth(n) { 0.4 } else { 2.0 } + 20.0,
        hidden: Box::new(move |_| tables),
    })
}

pub(crate) fn fft(p: &Problem<'_>) -> Result<Needs, LibraryError> {
    needs(p, Kind::Complex(FftDirection::Forward))
}

pub(crate) fn ifft(p: &Problem<'_>) -> Result<Needs, LibraryError> {
    needs(p, Kind::Complex(FftDirection::Inverse))
}

pub(crate) fn rfft(p: &Problem<'_>) -> Result<Needs, LibraryError> {
    needs(p, Kind::RealToComplex)
}

pub(crate) fn irfft(p: &Problem<'_>) -> Result<Needs, LibraryError> {
    needs(p, Kind::ComplexToReal)
}

fn run_kind(
    call: &Call<'_>,
    rows: Range<usize>,
    workspace: &mut [u8],
    kind: Kind,
) -> Result<(), LibraryError> {
    if call.inputs[0].dtype().real() == DType::F32 {
        run_typed::<f32>(call, rows, workspace, kind)
    } else {
        run_typed::<f64>(call, rows, workspace, kind)
    }
}

pub(crate) fn run_fft(call: &Call<'_>, rows: Range<usize>, workspace: &mut [u8]) -> Result<(), LibraryError> {
    run_kind(call, rows, workspace, Kind::Complex(FftDirection::Forward))
}

pub(crate) fn run_ifft(
    call: &Call<'_>,
    rows: Range<usize>,
    workspace: &mut [u8],
) -> Result<(), LibraryError> {
    run_kind(call, rows, workspace, Kind::Complex(FftDirection::Inverse))
}

pub(crate) fn run_rfft(
    call: &Call<'_>,
    rows: Range<usize>,
    workspace: &mut [u8],
) -> Result<(), LibraryError> {
    run_kind(call, rows, workspace, Kind::RealToComplex)
}

pub(crate) fn run_irfft(
    call: &Call<'_>,
    rows: Range<usize>,
    workspace: &mut [u8],
) -> Result<(), LibraryError> {
    run_kind(call, rows, workspace, Kind::ComplexToReal)
}

fn run_typed<T: Float>(
    call: &Call<'_>,
    rows: Range<usize>,
    workspace: &mut [u8],
    kind: Kind,
) -> Result<(), LibraryError>
where
    Complex<T>: Element + Default,
{
    let (input, output, axis) = (&call.inputs[0], &call.outputs[0], call.params.axis);
    let (n, scale) = (call.params.n, T::of(call.params.scale));
    let plan = transform::<T>(kind, n);
    let zero = Complex::<T>::default();
    // What realfft reports are lengths that do not fit.
    let failed = |e: realfft::FftError| LibraryError(e.to_string(), ErrorKind::Internal);
    let mut done = Ok(());
    blocks(rows, lanes(output.shape(), axis), |block| {
        let rest = &mut *workspace;
        match &plan {
            Transform::Complex(plan) => {
                let (rows, rest) = stage::<Complex<T>>(output, axis, &block, rest);
                let (work, _) = scratch::take_filled(rest, plan.get_inplace_scratch_len(), zero);
                load(input, axis, &block, rows, n);
                plan.process_with_scratch(rows, work);
                scaled(rows, scale);
                emit(output, axis, &block, rows);
            }
            Transform::RealToComplex(plan) => {
                let (rows, rest) = stage::<Complex<T>>(output, axis, &block, rest);
                let (real, rest) = scratch::take_filled(rest, block.len() * n, T::default());
                let (work, _) = scratch::take_filled(rest, plan.get_scratch_len(), zero);
                load(input, axis, &block, real, n);
                for (from, to) in real.chunks_exact_mut(n).zip(rows.chunks_exact_mut(n / 2 + 1)) {
                    if let Err(e) = plan.process_with_scratch(from, to, work) {
                        done = Err(failed(e));
                    }
                }
                scaled(rows, scale);
                emit(output, axis, &block, rows);
            }
            Transform::ComplexToReal(plan) => {
                let half = n / 2 + 1;
                let (rows, rest) = stage::<T>(output, axis, &block, rest);
                let (spectrum, rest) = scratch::take_filled(rest, block.len() * half, zero);
                let (work, _) = scratch::take_filled(rest, plan.get_scratch_len(), zero);
                load(input, axis, &block, spectrum, half);
                for (from, to) in spectrum.chunks_exact_mut(half).zip(rows.chunks_exact_mut(n)) {
                    // The imaginary parts of the first and of the middle point have no place in a real signal.
                    from[0].im = T::default();
                    if n.is_multiple_of(2) {
                        from[half - 1].im = T::default();
                    }
                    if let Err(e) = plan.process_with_scratch(from, to, work) {
                        done = Err(failed(e));
                    }
                }
                if call.params.scale != 1.0 {
                    rows.iter_mut().for_each(|x| *x *= scale);
                }
                emit(output, axis, &block, rows);
            }
        }
    });
    done
}

fn scaled<T: Float>(rows: &mut [Complex<T>], scale: T) {
    if scale != T::of(1.0) {
        for x in rows {
            x.re *= scale;
            x.im *= scale;
        }
    }
}
