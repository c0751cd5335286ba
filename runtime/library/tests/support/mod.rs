//! Arrays, calls and random numbers for the tests.
#![allow(dead_code, unreachable_pub, reason = "each test uses a part")]

use frit_library::{DType, Input, LibraryError, Output, Params, Routine, Workers, plan};
use num_complex::{Complex32, Complex64};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A Rust type that is an element type.
pub trait Element: Copy + PartialEq + std::fmt::Debug + Default + 'static {
    const DTYPE: DType;
}

macro_rules! elements {
    ($($t:ty: $d:ident),* $(,)?) => {$( impl Element for $t { const DTYPE: DType = DType::$d; } )*};
}
elements! {
    bool: Bool, i8: I8, i16: I16, i32: I32, i64: I64, u8: U8, u16: U16, u32: U32, u64: U64,
    f32: F32, f64: F64, Complex32: C64, Complex64: C128,
}

/// An array with any strides.
#[derive(Clone, Debug)]
pub struct Array<T> {
    pub data: Vec<T>,
    pub shape: Vec<usize>,
    pub strides: Vec<isize>,
    pub first: usize,
}

pub fn c_strides(shape: &[usize]) -> Vec<isize> {
    let mut strides = vec![1; shape.len()];
    for i in (1..shape.len()).rev() {
        strides[i - 1] = strides[i] * shape[i] as isize;
    }
    strides
}

/// All positions of a shape, in C order.
pub fn positions(shape: &[usize]) -> Vec<Vec<usize>> {
    let mut all = vec![vec![]];
    for &size in shape {
        all = all
            .into_iter()
            .flat_map(|p: Vec<usize>| (0..size).map(move |i| p.iter().copied().chain([i]).collect()))
            .collect();
    }
    all
}

impl<T: Element> Array<T> {
    pub fn new(shape: &[usize], data: Vec<T>) -> Array<T> {
        assert_eq!(data.len(), shape.iter().product::<usize>());
        Array { data, shape: shape.to_vec(), strides: c_strides(shape), first: 0 }
    }

    pub fn from_fn(shape: &[usize], mut f: impl FnMut(&[usize]) -> T) -> Array<T> {
        Array::new(shape, positions(shape).iter().map(|p| f(p)).collect())
    }

    pub fn get(&self, position: &[usize]) -> T {
        let offset: isize = position.iter().zip(&self.strides).map(|(i, s)| *i as isize * s).sum();
        self.data[(self.first as isize + offset) as usize]
    }

    /// The elements in C order.
    pub fn values(&self) -> Vec<T> {
        positions(&self.shape).iter().map(|p| self.get(p)).collect()
    }

    /// Equal elements with axes in another order of memory.
    pub fn transposed(&self) -> Array<T> {
        let reversed: Vec<usize> = self.shape.iter().rev().copied().collect();
        let data = positions(&reversed)
            .iter()
            .map(|p| self.get(&p.iter().rev().copied().collect::<Vec<_>>()))
            .collect();
        let strides = c_strides(&reversed).into_iter().rev().collect();
        Array { data, shape: self.shape.clone(), strides, first: 0 }
    }

    /// Equal elements with the last axis backwards in memory and a gap between elements.
    pub fn backwards(&self) -> Array<T> {
        let last = self.shape.len() - 1;
        let n = self.shape[last];
        let mut wide = self.shape.clone();
        wide[last] = 2 * n;
        let data = positions(&wide)
            .into_iter()
            .map(|mut p| {
                p[last] = n - 1 - p[last] / 2;
                self.get(&p)
            })
            .collect();
        let mut strides = c_strides(&wide);
        strides[last] = -2;
        Array { data, shape: self.shape.clone(), strides, first: (2 * n).saturating_sub(2) }
    }

    /// The same memory with a new first axis of stride 0.
    pub fn repeated(&self, count: usize) -> Array<T> {
        let mut a = self.clone();
        a.shape.insert(0, count);
        a.strides.insert(0, 0);
        a
    }
}

/// An operand of any type.
pub trait Operand {
    fn input(&self) -> Input<'_>;
}

impl<T: Element> Operand for Array<T> {
    fn input(&self) -> Input<'_> {
        // SAFETY: the constructors keep views inside the data; an empty array's pointer is not read.
        unsafe {
            Input::new(
                T::DTYPE,
                &self.shape,
                &self.strides,
                self.data.as_ptr().wrapping_add(self.first).cast(),
            )
        }
    }
}

/// A result: aligned bytes.
pub struct Buffer {
    pub dtype: DType,
    pub shape: Vec<usize>,
    words: Vec<u128>,
}

impl Buffer {
    pub fn new(dtype: DType, shape: &[usize]) -> Buffer {
        let bytes = dtype.size() * shape.iter().product::<usize>();
        // Neither zeros nor valid numbers, so that what a routine leaves unwritten shows.
        Buffer { dtype, shape: shape.to_vec(), words: vec![u128::MAX / 3; bytes.div_ceil(16)] }
    }

    pub fn output(&mut self) -> Output<'_> {
        // SAFETY: the words are ours and enough.
        unsafe { Output::new(self.dtype, &self.shape, self.words.as_mut_ptr().cast()) }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let bytes = self.dtype.size() * self.shape.iter().product::<usize>();
        self.words.iter().flat_map(|w| w.to_ne_bytes()).take(bytes).collect()
    }

    pub fn array<T: Element>(&self) -> Array<T> {
        assert_eq!(self.dtype, T::DTYPE);
        let n = self.shape.iter().product();
        // SAFETY: the routine has written elements of this type.
        let data = unsafe { std::slice::from_raw_parts(self.words.as_ptr().cast::<T>(), n) };
        Array::new(&self.shape, data.to_vec())
    }
}

/// Workers that are new threads for each job, and take blocks in no particular order.
pub struct Spawn;

impl Workers for Spawn {
    fn run(&self, blocks: usize, limit: usize, work: &(dyn Fn(usize, usize) + Sync)) {
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            let handles: Vec<_> = (0..limit.min(blocks))
                .map(|worker| {
                    let next = &next;
                    scope.spawn(move || {
                        loop {
                            let block = next.fetch_add(1, Ordering::Relaxed);
                            if block >= blocks {
                                break;
                            }
                            work(block, worker);
                        }
                    })
                })
                .collect();
            // Joined one by one, so that what is local to the threads is gone as well.
            for handle in handles {
                handle.join().expect("no panic");
            }
        });
    }
}

/// Calls a routine with exactly the workspace that it asked for, filled with junk.
pub fn call(
    routine: Routine,
    params: &Params,
    operands: &[&dyn Operand],
    threads: usize,
) -> Result<Vec<Buffer>, LibraryError> {
    let inputs: Vec<Input<'_>> = operands.iter().map(|o| o.input()).collect();
    let shapes: Vec<&[usize]> = inputs.iter().map(|i| i.shape()).collect();
    let plan = plan(routine, params, inputs[0].dtype(), &shapes, threads)?;
    let mut results: Vec<Buffer> = plan.outputs.iter().map(|(d, s)| Buffer::new(*d, s)).collect();
    let mut workspace = vec![0xA5_u8; plan.workspace];
    let outputs: Vec<Output<'_>> = results.iter_mut().map(Buffer::output).collect();
    plan.run(&inputs, &outputs, &mut workspace, &Spawn)?;
    Ok(results)
}

/// `alpha (a b) + beta d`, written over a copy of `d` in C order.
pub fn gemm_over<T: Element>(
    [a, b]: [&dyn Operand; 2],
    d: &Array<T>,
    factors: [&dyn Operand; 2],
    threads: usize,
) -> Array<T> {
    let (mut c, strides) = (d.values(), c_strides(&d.shape));
    let memory = c.as_mut_ptr().cast::<u8>();
    // SAFETY: both are the copy's memory, which the routine may overwrite, and nothing else reads it meanwhile.
    let (operand, output) = unsafe {
        (Input::new(T::DTYPE, &d.shape, &strides, memory), Output::new(T::DTYPE, &d.shape, memory))
    };
    let inputs = [a.input(), b.input(), operand, factors[0].input(), factors[1].input()];
    let shapes = inputs.map(|i| i.shape());
    let params = Params { over: true, ..Params::default() };
    let plan = plan(Routine::Gemm, &params, T::DTYPE, &shapes, threads).unwrap();
    let mut workspace = vec![0xA5_u8; plan.workspace];
    plan.run(&inputs, &[output], &mut workspace, &Spawn).unwrap();
    Array::new(&d.shape, c)
}

/// A small generator of random numbers (splitmix64).
pub struct Random(pub u64);

impl Random {
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in [-1, 1).
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }

    pub fn array<T: Number>(&mut self, shape: &[usize]) -> Array<T> {
        Array::from_fn(shape, |_| T::random(self))
    }
}

/// Types with arithmetic, for references in double precision.
pub trait Number: Element {
    const EPSILON: f64;
    fn random(r: &mut Random) -> Self;
    fn wide(self) -> Complex64;
    fn narrow(x: Complex64) -> Self;
    fn one() -> Self {
        Self::narrow(Complex64::ONE)
    }
}

macro_rules! numbers {
    ($($t:ty, $epsilon:expr, |$r:ident| $random:expr, |$x:ident| $wide:expr, |$w:ident| $narrow:expr;)*) => {$(
        impl Number for $t {
            const EPSILON: f64 = $epsilon as f64;
            fn random($r: &mut Random) -> $t { $random }
            fn wide(self) -> Complex64 { let $x = self; $wide }
            fn narrow($w: Complex64) -> $t { $narrow }
        }
    )*};
}
numbers! {
    f32, f32::EPSILON, |r| r.unit() as f32, |x| Complex64::new(f64::from(x), 0.0), |w| w.re as f32;
    f64, f64::EPSILON, |r| r.unit(), |x| Complex64::new(x, 0.0), |w| w.re;
    Complex32, f32::EPSILON, |r| Complex32::new(r.unit() as f32, r.unit() as f32),
        |x| Complex64::new(x.re.into(), x.im.into()), |w| Complex32::new(w.re as f32, w.im as f32);
    Complex64, f64::EPSILON, |r| Complex64::new(r.unit(), r.unit()), |x| x, |w| w;
}

/// A matrix in double complex, for references.
#[derive(Clone, Debug)]
pub struct Matrix {
    pub rows: usize,
    pub cols: usize,
    pub data: Vec<Complex64>,
}

impl Matrix {
    pub fn from_fn(rows: usize, cols: usize, f: impl Fn(usize, usize) -> Complex64) -> Matrix {
        let data = (0..rows * cols).map(|k| f(k / cols, k % cols)).collect();
        Matrix { rows, cols, data }
    }

    /// Matrix `index` of a stack.
    pub fn of<T: Number>(a: &Array<T>, index: usize) -> Matrix {
        let r = a.shape.len();
        let (rows, cols) = (a.shape[r - 2], a.shape[r - 1]);
        let at = positions(&a.shape[..r - 2])[index].clone();
        Matrix::from_fn(rows, cols, |i, j| a.get(&[at.as_slice(), &[i, j]].concat()).wide())
    }

    pub fn at(&self, i: usize, j: usize) -> Complex64 {
        self.data[i * self.cols + j]
    }

    pub fn eye(n: usize) -> Matrix {
        Matrix::from_fn(n, n, |i, j| Complex64::new(f64::from(u8::from(i == j)), 0.0))
    }

    pub fn adjoint(&self) -> Matrix {
        Matrix::from_fn(self.cols, self.rows, |i, j| self.at(j, i).conj())
    }

    pub fn times(&self, other: &Matrix) -> Matrix {
        assert_eq!(self.cols, other.rows);
        Matrix::from_fn(self.rows, other.cols, |i, j| {
            (0..self.cols).map(|p| self.at(i, p) * other.at(p, j)).sum()
        })
    }

    pub fn norm(&self) -> f64 {
        self.data.iter().map(Complex64::norm_sqr).sum::<f64>().sqrt()
    }

    /// Asserts that the difference is rounding: `factor` epsilons of the norm.
    #[track_caller]
    pub fn assert_near(&self, other: &Matrix, tolerance: f64) {
        assert_eq!((self.rows, self.cols), (other.rows, other.cols));
        let difference = Matrix::from_fn(self.rows, self.cols, |i, j| self.at(i, j) - other.at(i, j)).norm();
        let scale = self.norm().max(other.norm()).max(1e-30);
        assert!(
            scale.is_finite() && difference <= tolerance * scale,
            "{difference:e} of {scale:e}, more than {tolerance:e}"
        );
    }
}

/// Sizes that meet the borders of the small, blocked and packed code.
pub const SIZES: [usize; 8] = [0, 1, 2, 3, 5, 17, 64, 100];
