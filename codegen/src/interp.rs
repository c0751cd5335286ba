//! The kernel interpreter: the meaning of kernels, one scalar at a time, and the oracle for compiled code.
//!
//! `vector` and `parallel` loops run in order. Math functions come from the standard library where it has them, so
//! that they do not share an implementation with the compiled path.

use crate::{Backend, Code, CodegenError, CompiledKernel, Scratch};
use frit_ir::dim::{Dim, Symbol};
use frit_ir::dtype::float_to_int;
use frit_ir::kernel::{ArgLayout, Kernel, LoopKind, Mem, Stmt, scratch_slot, symbol_val};
use frit_ir::{DType, Prim, Scalar};
use std::collections::HashMap;
use std::sync::Arc;

/// The kernel interpreter.
pub struct Interpreter;

impl Backend for Interpreter {
    fn name(&self) -> &'static str {
        "interp"
    }

    fn compile(&self, kernel: &Kernel) -> Result<CompiledKernel, CodegenError> {
        let code = Interpreted { kernel: kernel.clone(), layout: kernel.layout() };
        Ok(CompiledKernel::new(kernel, Arc::new(code)))
    }

    fn scratch(&self, kernel: &Kernel) -> Scratch {
        Scratch::of(kernel)
    }
}

struct Interpreted {
    kernel: Kernel,
    layout: ArgLayout,
}

impl Code for Interpreted {
    unsafe fn call(&self, args: *const u64, scratch: *mut u8, lo: i64, hi: i64) -> u64 {
        // SAFETY: the caller gives a whole argument block.
        let words = unsafe { std::slice::from_raw_parts(args, self.layout.words) };
        let mut symbols = HashMap::new();
        for (i, s) in self.kernel.sizes.iter().enumerate() {
            symbols.insert(s.clone(), words[self.layout.sizes + i] as i64);
        }
        let mut m = Machine {
            kernel: &self.kernel,
            layout: &self.layout,
            words,
            scratch: vec![],
            symbols,
            vals: vec![Scalar::zero(DType::I64); self.kernel.vals.len()],
            vars: self.kernel.vars.iter().map(|t| Scalar::zero(*t)).collect(),
            part: (lo, hi),
            status: 0,
        };
        let mut at = scratch;
        for s in &self.kernel.scratch {
            m.scratch.push(at);
            at = at.wrapping_add(scratch_slot(m.dim(&s.elements), s.dtype));
        }
        m.block(&self.kernel.body);
        m.status
    }

    fn ir_text(&self) -> String {
        self.kernel.to_string()
    }

    fn asm_text(&self) -> String {
        String::new()
    }

    fn size(&self) -> usize {
        0
    }
}

struct Machine<'a> {
    kernel: &'a Kernel,
    layout: &'a ArgLayout,
    words: &'a [u64],
    scratch: Vec<*mut u8>,
    symbols: HashMap<Symbol, i64>,
    vals: Vec<Scalar>,
    vars: Vec<Scalar>,
    part: (i64, i64),
    status: u64,
}

impl Machine<'_> {
    fn dim(&self, d: &Dim) -> i64 {
        d.eval(&|s| match symbol_val(s) {
            Some(v) => Some(self.vals[v.0 as usize].as_i64()),
            None => self.symbols.get(s).copied(),
        })
        .expect("a verified kernel mentions symbols in scope only")
    }

    fn element(&self, mem: Mem, index: &[Dim]) -> (*mut u8, DType) {
        match mem {
            Mem::Buffer(b) => {
                let param = &self.kernel.buffers[b as usize];
                let first = self.layout.strides[b as usize];
                let mut at = 0i64;
                for (k, d) in index.iter().enumerate() {
                    let unit = param.unit && k + 1 == param.rank;
                    let stride = if unit { 1 } else { self.words[first + k] as i64 };
                    at += self.dim(d) * stride;
                }
                let base = self.words[b as usize] as *mut u8;
                (base.wrapping_offset(at as isize * param.dtype.size() as isize), param.dtype)
            }
            Mem::Scratch(s) => {
                let dtype = self.kernel.scratch[s as usize].dtype;
                let at = self.dim(&index[0]) as isize * dtype.size() as isize;
                (self.scratch[s as usize].wrapping_offset(at), dtype)
            }
        }
    }

    fn load(&self, mem: Mem, index: &[Dim]) -> Scalar {
        let (p, t) = self.element(mem, index);
        // SAFETY: the caller promises that loops stay inside the buffers.
        Scalar::from_bytes(t, unsafe { std::slice::from_raw_parts(p, t.size()) })
    }

    fn store(&self, mem: Mem, index: &[Dim], v: Scalar) {
        let (p, t) = self.element(mem, index);
        let bytes = v.to_bytes();
        // SAFETY: the caller promises that loops stay inside the buffers.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), p, t.size()) }
    }

    fn block(&mut self, stmts: &[Stmt]) {
        stmts.iter().for_each(|s| self.stmt(s));
    }

    fn stmt(&mut self, s: &Stmt) {
        match s {
            Stmt::Const { dst, value } => self.vals[dst.0 as usize] = *value,
            Stmt::Let { dst, op, args } => {
                let args: Vec<Scalar> = args.iter().map(|v| self.vals[v.0 as usize]).collect();
                self.vals[dst.0 as usize] = eval(*op, self.kernel.ty(*dst), &args);
            }
            Stmt::Index { dst, dim } => {
                self.vals[dst.0 as usize] = Scalar::from_i64(DType::I64, self.dim(dim));
            }
            Stmt::Load { dst, mem, index } => self.vals[dst.0 as usize] = self.load(*mem, index),
            Stmt::Store { mem, index, src } => self.store(*mem, index, self.vals[src.0 as usize]),
            Stmt::Init { var, src } | Stmt::Set { var, src } => {
                self.vars[var.0 as usize] = self.vals[src.0 as usize];
            }
            Stmt::Get { dst, var } => self.vals[dst.0 as usize] = self.vars[var.0 as usize],
            Stmt::Accumulate { var, op, src } => {
                let old = self.vars[var.0 as usize];
                self.vars[var.0 as usize] = eval(*op, old.dtype(), &[old, self.vals[src.0 as usize]]);
            }
            Stmt::For { index, lo, hi, kind, body } => {
                let (lo, hi) = match kind {
                    LoopKind::Parallel => self.part,
                    LoopKind::Serial | LoopKind::Vector => (self.dim(lo), self.dim(hi)),
                };
                for i in lo..hi {
                    self.symbols.insert(index.clone(), i);
                    self.block(body);
                }
            }
            Stmt::While { cond, test, body } => loop {
                self.block(cond);
                if self.vals[test.0 as usize].as_i64() == 0 {
                    break;
                }
                self.block(body);
            },
            Stmt::If { test, then, otherwise } => {
                let branch = if self.vals[test.0 as usize].as_i64() != 0 { then } else { otherwise };
                self.block(branch);
            }
            Stmt::Check { test, fault } => {
                if self.vals[test.0 as usize].as_i64() == 0 {
                    self.status = *fault as u64;
                }
            }
            Stmt::Block { op, dst, args, n } => {
                for i in 0..self.dim(n) {
                    let at = |d: &Dim| [d + i];
                    let values: Vec<Scalar> = args.iter().map(|(m, d)| self.load(*m, &at(d))).collect();
                    let v = eval(*op, values[0].dtype(), &values);
                    self.store(dst.0, &at(&dst.1), v);
                }
            }
        }
    }
}

/// A primitive on scalars, as `frit_ir::prim` documents it.
pub fn eval(op: Prim, to: DType, a: &[Scalar]) -> Scalar {
    let t = if op == Prim::Select { a[1].dtype() } else { a[0].dtype() };
    if op == Prim::Select {
        return if a[0].as_i64() != 0 { a[1] } else { a[2] };
    }
    if op == Prim::Cast {
        return cast(a[0], to);
    }
    if op == Prim::Bitcast {
        let bits = a[0].bits()[0];
        return if to.is_float() {
            Scalar::from_bits(to, [bits, 0])
        } else {
            Scalar::from_i64(to, bits as i64)
        };
    }
    if t == DType::F64 {
        let x: Vec<f64> = a.iter().map(|s| s.as_f64()).collect();
        return float(op, &x).map_or_else(Scalar::bool, |v| Scalar::from_f64(DType::F64, v));
    }
    if t == DType::F32 {
        return single(op, a);
    }
    integer(op, t, a)
}

fn cast(v: Scalar, to: DType) -> Scalar {
    if v.dtype().is_float() && (to.is_int()) {
        return Scalar::from_i64(to, float_to_int(to, v.as_f64()));
    }
    v.cast(to)
}

/// Arithmetic of `f32` is done in `f32`; functions in `f64`, rounded once.
fn single(op: Prim, a: &[Scalar]) -> Scalar {
    let x: Vec<f32> = a.iter().map(|s| s.as_f64() as f32).collect();
    let give = |v: f32| Scalar::from_bits(DType::F32, [u64::from(v.to_bits()), 0]);
    match op {
        Prim::Add => give(x[0] + x[1]),
        Prim::Sub => give(x[0] - x[1]),
        Prim::Mul => give(x[0] * x[1]),
        Prim::Div => give(x[0] / x[1]),
        Prim::Fma => give(x[0].mul_add(x[1], x[2])),
        Prim::Sqrt => give(x[0].sqrt()),
        Prim::Nextafter => give(frit_math::Func::Nextafter.eval2_f32(x[0], x[1])),
        _ => {
            let wide: Vec<f64> = x.iter().map(|v| f64::from(*v)).collect();
            float(op, &wide).map_or_else(Scalar::bool, |v| give(v as f32))
        }
    }
}

/// A float primitive: a number, or the truth of a comparison as the error.
fn float(op: Prim, x: &[f64]) -> Result<f64, bool> {
    use frit_math::Func;
    Ok(match op {
        Prim::Add => x[0] + x[1],
        Prim::Sub => x[0] - x[1],
        Prim::Mul => x[0] * x[1],
        Prim::Div => x[0] / x[1],
        Prim::Fma => x[0].mul_add(x[1], x[2]),
        Prim::Neg => -x[0],
        Prim::Abs => x[0].abs(),
        Prim::Min if x[0].is_nan() => x[0],
        Prim::Min => {
            if x[0] < x[1] {
                x[0]
            } else {
                x[1]
            }
        }
        Prim::Max if x[0].is_nan() => x[0],
        Prim::Max => {
            if x[1] < x[0] {
                x[0]
            } else {
                x[1]
            }
        }
        Prim::Sqrt => x[0].sqrt(),
        Prim::Floor => x[0].floor(),
        Prim::Ceil => x[0].ceil(),
        Prim::Trunc => x[0].trunc(),
        Prim::Rint => x[0].round_ties_even(),
        Prim::Copysign => x[0].copysign(x[1]),
        Prim::Eq => return Err(x[0] == x[1]),
        Prim::Ne => return Err(x[0] != x[1]),
        Prim::Lt => return Err(x[0] < x[1]),
        Prim::Le => return Err(x[0] <= x[1]),
        Prim::Exp => x[0].exp(),
        Prim::Exp2 => x[0].exp2(),
        Prim::Expm1 => x[0].exp_m1(),
        Prim::Log => x[0].ln(),
        Prim::Log2 => x[0].log2(),
        Prim::Log10 => x[0].log10(),
        Prim::Log1p => x[0].ln_1p(),
        Prim::Sin => x[0].sin(),
        Prim::Cos => x[0].cos(),
        Prim::Tan => x[0].tan(),
        Prim::Asin => x[0].asin(),
        Prim::Acos => x[0].acos(),
        Prim::Atan => x[0].atan(),
        Prim::Sinh => x[0].sinh(),
        Prim::Cosh => x[0].cosh(),
        Prim::Tanh => x[0].tanh(),
        Prim::Asinh => Func::Asinh.eval1_f64(x[0]),
        Prim::Acosh => Func::Acosh.eval1_f64(x[0]),
        Prim::Atanh => Func::Atanh.eval1_f64(x[0]),
        Prim::Cbrt => x[0].cbrt(),
        Prim::Erf => Func::Erf.eval1_f64(x[0]),
        Prim::Erfc => Func::Erfc.eval1_f64(x[0]),
        Prim::Lgamma => Func::Lgamma.eval1_f64(x[0]),
        Prim::Tgamma => Func::Tgamma.eval1_f64(x[0]),
        Prim::Pow => x[0].powf(x[1]),
        Prim::Atan2 => x[0].atan2(x[1]),
        Prim::Hypot => x[0].hypot(x[1]),
        Prim::Fmod => x[0] % x[1],
        Prim::Nextafter => Func::Nextafter.eval2_f64(x[0], x[1]),
        Prim::And
        | Prim::Or
        | Prim::Xor
        | Prim::Not
        | Prim::Shl
        | Prim::Shr
        | Prim::IDiv
        | Prim::IRem
        | Prim::IPow
        | Prim::Gcd
        | Prim::Select
        | Prim::Cast
        | Prim::Bitcast => unreachable!("{op} on floats"),
    })
}

/// An integer or bool primitive, in 128 bits, wrapped to the type.
fn integer(op: Prim, t: DType, a: &[Scalar]) -> Scalar {
    let wide = |s: &Scalar| if t == DType::U64 { i128::from(s.bits()[0]) } else { i128::from(s.as_i64()) };
    let x: Vec<i128> = a.iter().map(wide).collect();
    let (_, max) = t.int_range().expect("an integer type");
    let bits = t.size() as i128 * 8;
    let give = |v: i128| Scalar::from_i64(t, v as i64);
    match op {
        Prim::Add => give(x[0] + x[1]),
        Prim::Sub => give(x[0] - x[1]),
        Prim::Mul => give(x[0].wrapping_mul(x[1])),
        Prim::Neg => give(-x[0]),
        Prim::Abs => give(x[0].abs()),
        Prim::Min => give(x[0].min(x[1])),
        Prim::Max => give(x[0].max(x[1])),
        Prim::And => give(x[0] & x[1]),
        Prim::Or => give(x[0] | x[1]),
        Prim::Xor => give(x[0] ^ x[1]),
        Prim::Not if t == DType::Bool => give(1 - x[0]),
        Prim::Not => give(!x[0]),
        Prim::Shl if !(0..bits).contains(&x[1]) => give(0),
        Prim::Shl => give(x[0] << x[1]),
        Prim::Shr if !(0..bits).contains(&x[1]) => give(if x[0] < 0 { -1 } else { 0 }),
        Prim::Shr => give(x[0] >> x[1]),
        Prim::IDiv => give(if x[1] == 0 { 0 } else { x[0] / x[1] }),
        Prim::IRem => give(if x[1] == 0 { 0 } else { x[0] % x[1] }),
        Prim::IPow if x[1] < 0 => give(0),
        Prim::IPow => {
            let (mut base, mut exponent, mut r) = (x[0] as u64, x[1] as u64, 1u64);
            while exponent > 0 {
                if exponent & 1 == 1 {
                    r = r.wrapping_mul(base);
                }
                base = base.wrapping_mul(base);
                exponent >>= 1;
            }
            give(i128::from(r as i64))
        }
        Prim::Gcd => {
            let (mut p, mut q) = (x[0].abs(), x[1].abs());
            while q != 0 {
                (p, q) = (q, p % q);
            }
            debug_assert!(p <= max + 1);
            give(p)
        }
        Prim::Eq => Scalar::bool(x[0] == x[1]),
        Prim::Ne => Scalar::bool(x[0] != x[1]),
        Prim::Lt => Scalar::bool(x[0] < x[1]),
        Prim::Le => Scalar::bool(x[0] <= x[1]),
        _ => unreachable!("{op} on integers"),
    }
}
