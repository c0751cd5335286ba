//! What the tests share: building kernels by hand, running them on a backend, comparing memory afterwards.
#![allow(dead_code)]

pub(crate) mod random;

use frit_codegen::{Backend, CompiledKernel, cranelift::Cranelift, interp::Interpreter};
use frit_ir::kernel::{Access, BufferParam, Fault, Kernel, LoopKind, Mem, Scratch, Stmt, Var};
use frit_ir::{DType, Dim, Prim, Scalar, Val};

/// A kernel under construction, with the blocks that are open.
pub(crate) struct Builder {
    pub(crate) kernel: Kernel,
    blocks: Vec<Vec<Stmt>>,
}

impl Builder {
    pub(crate) fn new(name: &str) -> Builder {
        let kernel = Kernel {
            name: name.into(),
            buffers: vec![],
            sizes: vec![],
            scratch: vec![],
            vars: vec![],
            vals: vec![],
            body: vec![],
        };
        Builder { kernel, blocks: vec![vec![]] }
    }

    pub(crate) fn buffer(&mut self, dtype: DType, rank: usize, unit: bool) -> Mem {
        self.kernel.buffers.push(BufferParam { dtype, rank, access: Access::ReadWrite, unit });
        Mem::Buffer(self.kernel.buffers.len() as u32 - 1)
    }

    pub(crate) fn size(&mut self, name: &str) -> Dim {
        self.kernel.sizes.push(name.into());
        Dim::symbol(name)
    }

    pub(crate) fn scratch(&mut self, dtype: DType, elements: Dim) -> Mem {
        self.kernel.scratch.push(Scratch { dtype, elements });
        Mem::Scratch(self.kernel.scratch.len() as u32 - 1)
    }

    pub(crate) fn var(&mut self, start: Scalar) -> Var {
        let src = self.constant(start);
        self.kernel.vars.push(start.dtype());
        let var = Var(self.kernel.vars.len() as u32 - 1);
        self.push(Stmt::Init { var, src });
        var
    }

    pub(crate) fn push(&mut self, s: Stmt) {
        self.blocks.last_mut().expect("an open block").push(s);
    }

    fn fresh(&mut self, t: DType) -> Val {
        self.kernel.vals.push(t);
        Val(self.kernel.vals.len() as u32 - 1)
    }

    pub(crate) fn constant(&mut self, value: Scalar) -> Val {
        let dst = self.fresh(value.dtype());
        self.push(Stmt::Const { dst, value });
        dst
    }

    pub(crate) fn f64(&mut self, v: f64) -> Val {
        self.constant(Scalar::from_f64(DType::F64, v))
    }

    pub(crate) fn let_as(&mut self, op: Prim, to: DType, args: &[Val]) -> Val {
        let dst = self.fresh(to);
        self.push(Stmt::Let { dst, op, args: args.to_vec() });
        dst
    }

    pub(crate) fn let_(&mut self, op: Prim, args: &[Val]) -> Val {
        let types: Vec<DType> = args.iter().map(|a| self.kernel.ty(*a)).collect();
        let to = op.result(&types, None).expect("a well-typed primitive");
        self.let_as(op, to, args)
    }

    pub(crate) fn index(&mut self, dim: Dim) -> Val {
        let dst = self.fresh(DType::I64);
        self.push(Stmt::Index { dst, dim });
        dst
    }

    pub(crate) fn dtype_of(&self, mem: Mem) -> DType {
        match mem {
            Mem::Buffer(i) => self.kernel.buffers[i as usize].dtype,
            Mem::Scratch(i) => self.kernel.scratch[i as usize].dtype,
        }
    }

    pub(crate) fn load(&mut self, mem: Mem, index: &[Dim]) -> Val {
        let dst = self.fresh(self.dtype_of(mem));
        self.push(Stmt::Load { dst, mem, index: index.to_vec() });
        dst
    }

    pub(crate) fn store(&mut self, mem: Mem, index: &[Dim], src: Val) {
        self.push(Stmt::Store { mem, index: index.to_vec(), src });
    }

    pub(crate) fn set(&mut self, var: Var, src: Val) {
        self.push(Stmt::Set { var, src });
    }

    pub(crate) fn get(&mut self, var: Var) -> Val {
        let dst = self.fresh(self.kernel.vars[var.0 as usize]);
        self.push(Stmt::Get { dst, var });
        dst
    }

    pub(crate) fn accumulate(&mut self, var: Var, op: Prim, src: Val) {
        self.push(Stmt::Accumulate { var, op, src });
    }

    pub(crate) fn check(&mut self, test: Val, fault: Fault) {
        self.push(Stmt::Check { test, fault });
    }

    /// The statements that `f` emits, as a block of their own.
    fn block<T>(&mut self, f: impl FnOnce(&mut Builder) -> T) -> (Vec<Stmt>, T) {
        self.blocks.push(vec![]);
        let result = f(self);
        (self.blocks.pop().expect("pushed above"), result)
    }

    pub(crate) fn for_(
        &mut self,
        kind: LoopKind,
        index: &str,
        lo: impl Into<Dim>,
        hi: impl Into<Dim>,
        f: impl FnOnce(&mut Builder, Dim),
    ) {
        let (body, ()) = self.block(|b| f(b, Dim::symbol(index)));
        self.push(Stmt::For { index: index.into(), lo: lo.into(), hi: hi.into(), kind, body });
    }

    pub(crate) fn while_(&mut self, cond: impl FnOnce(&mut Builder) -> Val, body: impl FnOnce(&mut Builder)) {
        let (cond, test) = self.block(cond);
        let (body, ()) = self.block(body);
        self.push(Stmt::While { cond, test, body });
    }

    pub(crate) fn if_(
        &mut self,
        test: Val,
        then: impl FnOnce(&mut Builder),
        otherwise: impl FnOnce(&mut Builder),
    ) {
        let (then, ()) = self.block(then);
        let (otherwise, ()) = self.block(otherwise);
        self.push(Stmt::If { test, then, otherwise });
    }

    pub(crate) fn finish(mut self) -> Kernel {
        self.kernel.body = self.blocks.pop().expect("the body");
        assert!(self.blocks.is_empty());
        self.kernel
    }
}

/// An array for a kernel's argument: the backing memory is larger than what the kernel may touch, and compared whole,
/// so that a store outside shows.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Array {
    pub(crate) dtype: DType,
    /// Backing memory, in words for alignment.
    pub(crate) words: Vec<u64>,
    /// Element at which index 0 of every axis lies.
    pub(crate) offset: i64,
    pub(crate) strides: Vec<i64>,
}

impl Array {
    pub(crate) fn of(values: &[Scalar]) -> Array {
        let dtype = values[0].dtype();
        let mut a = Array::blank(dtype, values.len(), &[1]);
        values.iter().enumerate().for_each(|(i, v)| a.set(i as i64, *v));
        a
    }

    pub(crate) fn f64s(values: &[f64]) -> Array {
        Array::floats(DType::F64, values)
    }

    pub(crate) fn floats(t: DType, values: &[f64]) -> Array {
        let mut a = Array::blank(t, values.len(), &[1]);
        values.iter().enumerate().for_each(|(i, v)| a.set(i as i64, Scalar::from_f64(t, *v)));
        a
    }

    /// `elements` with a margin on both sides, filled with a pattern.
    pub(crate) fn blank(dtype: DType, elements: usize, strides: &[i64]) -> Array {
        let margin = 64;
        let bytes = (elements + 2 * margin) * dtype.size();
        let words = if dtype == DType::Bool { 0 } else { 0x4045_4045_4045_4045 };
        Array {
            dtype,
            words: vec![words; bytes.div_ceil(8)],
            offset: margin as i64,
            strides: strides.to_vec(),
        }
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: any word is eight bytes.
        unsafe { std::slice::from_raw_parts(self.words.as_ptr().cast(), self.words.len() * 8) }
    }

    /// The element `at` elements from the origin.
    pub(crate) fn get(&self, at: i64) -> Scalar {
        let size = self.dtype.size();
        let from = (self.offset + at) as usize * size;
        Scalar::from_bytes(self.dtype, &self.bytes()[from..from + size])
    }

    pub(crate) fn set(&mut self, at: i64, v: Scalar) {
        let size = self.dtype.size();
        let from = (self.offset + at) as usize * size;
        // SAFETY: any word is eight bytes, and every bit pattern is a word.
        let bytes = unsafe {
            std::slice::from_raw_parts_mut(self.words.as_mut_ptr().cast::<u8>(), self.words.len() * 8)
        };
        bytes[from..from + size].copy_from_slice(&v.to_bytes());
    }

    pub(crate) fn elements(&self) -> usize {
        self.words.len() * 8 / self.dtype.size()
    }
}

/// Runs compiled code over copies of the arrays; gives the status and the arrays after.
pub(crate) fn call(
    code: &CompiledKernel,
    kernel: &Kernel,
    arrays: &[Array],
    sizes: &[i64],
    part: (i64, i64),
) -> (u64, Vec<Array>) {
    call_bound(code, kernel, arrays, &Vec::from_iter(0..arrays.len()), sizes, part)
}

/// As [`call`], with the array of each buffer parameter: two may be one.
pub(crate) fn call_bound(
    code: &CompiledKernel,
    kernel: &Kernel,
    arrays: &[Array],
    binding: &[usize],
    sizes: &[i64],
    part: (i64, i64),
) -> (u64, Vec<Array>) {
    let mut arrays = arrays.to_vec();
    let mut args: Vec<u64> = Vec::new();
    for i in binding {
        let a = &mut arrays[*i];
        args.push(a.words.as_mut_ptr() as u64 + a.offset as u64 * a.dtype.size() as u64);
    }
    for (i, p) in binding.iter().zip(&kernel.buffers) {
        let a = &arrays[*i];
        assert_eq!((a.dtype, a.strides.len()), (p.dtype, p.rank), "{kernel}");
        args.extend(a.strides.iter().map(|s| *s as u64));
    }
    args.extend(sizes.iter().map(|n| *n as u64));
    assert_eq!(args.len(), kernel.arg_words());
    let mut scratch = vec![[0u64; 8]; code.scratch_bytes(sizes).div_ceil(64) + 1];
    let start = (scratch.as_mut_ptr() as usize).next_multiple_of(64) as *mut u8;
    // SAFETY: the arrays cover what the kernel addresses (the tests' duty); scratch is large enough.
    let status = unsafe { code.call(args.as_ptr(), start, part.0, part.1) };
    (status, arrays)
}

/// How far a result may be from the oracle's.
#[derive(Clone, Copy)]
pub(crate) enum Within {
    /// The same bits; any NaN equals any NaN.
    Bits,
    /// The same, and zeros of either sign are equal.
    Value,
    /// Units in the last place, plus an absolute error for sums that cancel.
    Ulp(f64),
}

fn close(a: Scalar, b: Scalar, within: Within) -> bool {
    if a == b {
        return true;
    }
    if !a.dtype().is_float() {
        return false;
    }
    let (x, y) = (a.as_f64(), b.as_f64());
    if x.is_nan() || y.is_nan() {
        return x.is_nan() && y.is_nan();
    }
    match within {
        Within::Bits => false,
        Within::Value => x == y,
        Within::Ulp(k) => {
            let (epsilon, tiny) = if a.dtype() == DType::F64 {
                (f64::EPSILON, f64::MIN_POSITIVE * f64::EPSILON)
            } else {
                (f64::from(f32::EPSILON), f64::from(f32::MIN_POSITIVE) * f64::from(f32::EPSILON))
            };
            x == y || (x - y).abs() <= k * (x.abs().max(y.abs()) * epsilon).max(tiny)
        }
    }
}

/// Runs a kernel on the interpreter and on Cranelift and compares the status and all memory. Gives the results.
#[track_caller]
pub(crate) fn check(kernel: &Kernel, arrays: &[Array], sizes: &[i64], within: Within) -> Vec<Array> {
    let cranelift = Cranelift::new().expect("a supported machine").compile(kernel).expect("compiles");
    check_compiled(&cranelift, kernel, arrays, sizes, within)
}

#[track_caller]
pub(crate) fn check_compiled(
    code: &CompiledKernel,
    kernel: &Kernel,
    arrays: &[Array],
    sizes: &[i64],
    within: Within,
) -> Vec<Array> {
    let oracle = Interpreter.compile(kernel).expect("the interpreter takes every kernel");
    let binding = Vec::from_iter(0..arrays.len());
    compare(code, &oracle, kernel, arrays, &binding, sizes, within)
        .unwrap_or_else(|why| panic!("{why}\nsizes {sizes:?}\n{kernel}"))
}

/// Runs the code of a kernel and that of an oracle for it, and compares the status and all memory. Gives the results.
pub(crate) fn compare(
    code: &CompiledKernel,
    oracle: &CompiledKernel,
    kernel: &Kernel,
    arrays: &[Array],
    binding: &[usize],
    sizes: &[i64],
    within: Within,
) -> Result<Vec<Array>, String> {
    let part = parallel_range(kernel, sizes);
    let (want_status, want) = call_bound(oracle, kernel, arrays, binding, sizes, part);
    let (status, got) = call_bound(code, kernel, arrays, binding, sizes, part);
    if status != want_status {
        return Err(format!("status {status}, should be {want_status}"));
    }
    for (i, (g, w)) in got.iter().zip(&want).enumerate() {
        for k in 0..g.elements() as i64 {
            let at = k - g.offset;
            let (x, y) = (g.get(at), w.get(at));
            if !close(x, y, within) {
                return Err(format!("array {i}[{at}] = {x}, should be {y} (was {})", arrays[i].get(at)));
            }
        }
    }
    Ok(got)
}

/// The whole range of the parallel loop.
pub(crate) fn parallel_range(kernel: &Kernel, sizes: &[i64]) -> (i64, i64) {
    let Some(at) = kernel.parallel_loop() else { return (0, 0) };
    let Stmt::For { lo, hi, .. } = &kernel.body[at] else { return (0, 0) };
    let env = |s: &str| kernel.sizes.iter().position(|n| &**n == s).map(|i| sizes[i]);
    (lo.eval(&env).expect("bound"), hi.eval(&env).expect("bound"))
}

/// A small deterministic generator (xorshift*).
pub(crate) struct Rng(pub u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((self.next() >> 33) % n as u64) as usize
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// Uniform in -4..4.
    pub(crate) fn float(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 50) as f64 - 4.0
    }

    /// An element: mostly ordinary, sometimes an edge.
    pub(crate) fn scalar(&mut self, t: DType) -> Scalar {
        if self.chance(15) {
            return self.pick(&specials(t));
        }
        if t.is_float() {
            Scalar::from_f64(t, self.float())
        } else {
            Scalar::from_i64(t, (self.next() % 41) as i64 - 20)
        }
    }
}

/// The element types of kernels.
pub(crate) const REAL: [DType; 11] = [
    DType::Bool,
    DType::I8,
    DType::I16,
    DType::I32,
    DType::I64,
    DType::U8,
    DType::U16,
    DType::U32,
    DType::U64,
    DType::F32,
    DType::F64,
];

/// Values at the edges of a type.
pub(crate) fn specials(t: DType) -> Vec<Scalar> {
    if t == DType::Bool {
        return vec![Scalar::bool(false), Scalar::bool(true)];
    }
    if let Some((lo, hi)) = t.int_range() {
        let bits = t.size() as i128 * 8;
        return [lo, lo + 1, -1, 0, 1, 2, 3, 7, bits - 1, bits, bits + 1, hi / 2, hi - 1, hi]
            .into_iter()
            .map(|v| Scalar::from_i64(t, v as i64))
            .collect();
    }
    let mut all = vec![0.0, 1.0, 0.5, 1.5, 2.5, 3.0, 0.1, 10.0, 100.7, f64::INFINITY];
    all.extend([127.5, 128.0, 255.9, 32768.0, 65536.5, 2147483647.0, 2147483648.5, 4294967296.0]);
    all.extend([
        9007199254740993.0,
        9.223372036854775e18,
        9.223_372_036_854_776e18,
        1.8446744073709552e19,
        1e30,
    ]);
    all.extend(if t == DType::F32 {
        [f64::from(f32::MAX), f64::from(f32::MIN_POSITIVE), 1e-40]
    } else {
        [f64::MAX, f64::MIN_POSITIVE, 1e-310]
    });
    let mut out: Vec<f64> = all.iter().flat_map(|v| [*v, -*v]).collect();
    out.push(f64::NAN);
    out.into_iter().map(|v| Scalar::from_f64(t, v)).collect()
}

/// In-place Cholesky factorization of the lower triangle of `A` (buffer 0): `L` with `L @ L.T == A`.
pub(crate) fn cholesky() -> Kernel {
    let mut b = Builder::new("cholesky");
    let a = b.buffer(DType::F64, 2, true);
    let n = b.size("n");
    b.for_(LoopKind::Serial, "i", 0, n, |b, i| {
        b.for_(LoopKind::Serial, "j", 0, i.clone(), |b, j| {
            let dot = b.var(Scalar::zero(DType::F64));
            b.for_(LoopKind::Vector, "k", 0, j.clone(), |b, k| {
                let x = b.load(a, &[i.clone(), k.clone()]);
                let y = b.load(a, &[j.clone(), k]);
                let p = b.let_(Prim::Mul, &[x, y]);
                b.accumulate(dot, Prim::Add, p);
            });
            let d = b.get(dot);
            let v = b.load(a, &[i.clone(), j.clone()]);
            let r = b.let_(Prim::Sub, &[v, d]);
            let pivot = b.load(a, &[j.clone(), j.clone()]);
            let q = b.let_(Prim::Div, &[r, pivot]);
            b.store(a, &[i.clone(), j], q);
        });
        let dot = b.var(Scalar::zero(DType::F64));
        b.for_(LoopKind::Vector, "l", 0, i.clone(), |b, k| {
            let x = b.load(a, &[i.clone(), k]);
            let p = b.let_(Prim::Mul, &[x, x]);
            b.accumulate(dot, Prim::Add, p);
        });
        let d = b.get(dot);
        let v = b.load(a, &[i.clone(), i.clone()]);
        let r = b.let_(Prim::Sub, &[v, d]);
        let q = b.let_(Prim::Sqrt, &[r]);
        b.store(a, &[i.clone(), i], q);
    });
    b.finish()
}

/// Row softmax: maximum, exponentials into scratch with their sum, quotient.
pub(crate) fn softmax(b: &mut Builder) {
    let t = DType::F64;
    let (x, y) = (b.buffer(t, 2, true), b.buffer(t, 2, true));
    let (m, n) = (b.size("m"), b.size("n"));
    let row = b.scratch(t, n.clone());
    b.for_(LoopKind::Parallel, "i", 0, m, |b, i| {
        let top = b.var(Scalar::from_f64(t, f64::NEG_INFINITY));
        b.for_(LoopKind::Vector, "j0", 0, n.clone(), |b, j| {
            let v = b.load(x, &[i.clone(), j]);
            b.accumulate(top, Prim::Max, v);
        });
        let top = b.get(top);
        let sum = b.var(Scalar::zero(t));
        b.for_(LoopKind::Vector, "j1", 0, n.clone(), |b, j| {
            let v = b.load(x, &[i.clone(), j.clone()]);
            let d = b.let_(Prim::Sub, &[v, top]);
            let e = b.let_(Prim::Exp, &[d]);
            b.store(row, &[j], e);
            b.accumulate(sum, Prim::Add, e);
        });
        let sum = b.get(sum);
        b.for_(LoopKind::Vector, "j2", 0, n.clone(), |b, j| {
            let e = b.load(row, &[j.clone()]);
            let q = b.let_(Prim::Div, &[e, sum]);
            b.store(y, &[i.clone(), j], q);
        });
    });
}
