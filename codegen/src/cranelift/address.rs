//! Index expressions and element addresses.
//!
//! On entry to each loop, the part of every address in its body that is already known is summed up once; what
//! remains for the body is the part that moves.

use super::emit::Emitter;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value, types};
use frit_ir::dim::{Atom, Dim};
use frit_ir::kernel::{Mem, Stmt, symbol_val};

/// A partly summed address.
#[derive(Clone)]
pub(super) struct Partial {
    pub(super) pointer: Value,
    /// Axes not yet added.
    pub(super) rest: Vec<usize>,
}

impl Emitter<'_, '_> {
    /// True if every symbol of an expression has a value here.
    pub(super) fn known(&self, dim: &Dim) -> bool {
        let mut all = true;
        dim.for_each_symbol(&mut |s| {
            all &= match symbol_val(s) {
                Some(v) => self.vals[v.0 as usize].is_some(),
                None => self.symbols.contains_key(s),
            };
        });
        all
    }

    /// The value of an index expression.
    pub(super) fn dim(&mut self, dim: &Dim) -> Value {
        let (terms, constant) = dim.terms();
        let mut sum: Option<Value> = None;
        for (atoms, k) in terms {
            let mut product: Option<Value> = None;
            for a in atoms {
                let v = self.atom(a);
                product = Some(match product {
                    None => v,
                    Some(p) => self.b.ins().imul(p, v),
                });
            }
            let mut v = product.expect("a term has an atom");
            if *k == -1 && sum.is_some() {
                sum = sum.map(|s| self.b.ins().isub(s, v));
                continue;
            }
            if *k != 1 {
                v = self.b.ins().imul_imm_s(v, *k);
            }
            sum = Some(match sum {
                None => v,
                Some(s) => self.b.ins().iadd(s, v),
            });
        }
        match sum {
            None => self.b.ins().iconst(types::I64, constant),
            Some(s) if constant == 0 => s,
            Some(s) => self.b.ins().iadd_imm_s(s, constant),
        }
    }

    fn atom(&mut self, a: &Atom) -> Value {
        match a {
            Atom::Sym(s) => match symbol_val(s) {
                Some(v) => {
                    let t = self.kernel.ty(v);
                    let x = self.vals[v.0 as usize].expect("a value in scope");
                    match (t.size(), t.is_signed()) {
                        (8, _) => x,
                        (_, true) => self.b.ins().sextend(types::I64, x),
                        (_, false) => self.b.ins().uextend(types::I64, x),
                    }
                }
                None => self.symbols[s],
            },
            Atom::FloorDiv(x, y) => self.floor_div(x, y).0,
            Atom::Mod(x, y) => self.floor_div(x, y).1,
            Atom::Min(x, y) | Atom::Max(x, y) => {
                let cc =
                    if matches!(a, Atom::Min(..)) { IntCC::SignedLessThan } else { IntCC::SignedGreaterThan };
                let (x, y) = (self.dim(x), self.dim(y));
                let first = self.b.ins().icmp(cc, x, y);
                self.b.ins().select(first, x, y)
            }
        }
    }

    /// Quotient and remainder, rounded down; 0 for a zero divisor.
    fn floor_div(&mut self, x: &Dim, y: &Dim) -> (Value, Value) {
        let a = self.dim(x);
        if let Some(n) = y.as_const().filter(|n| *n > 0 && n & (n - 1) == 0) {
            let q = self.b.ins().sshr_imm_s(a, i64::from(n.trailing_zeros()));
            let r = self.b.ins().band_imm_s(a, n - 1);
            return (q, r);
        }
        let b = self.dim(y);
        let zero = self.b.ins().iconst(types::I64, 0);
        let one = self.b.ins().iconst(types::I64, 1);
        let by_zero = self.b.ins().icmp_imm_s(IntCC::Equal, b, 0);
        let safe = self.b.ins().select(by_zero, one, b);
        let q = self.b.ins().sdiv(a, safe);
        let p = self.b.ins().imul(q, safe);
        let r = self.b.ins().isub(a, p);
        let inexact = self.b.ins().icmp_imm_s(IntCC::NotEqual, r, 0);
        let signs = self.b.ins().bxor(r, safe);
        let differ = self.b.ins().icmp_imm_s(IntCC::SignedLessThan, signs, 0);
        let down = self.b.ins().band(inexact, differ);
        let (q1, r1) = (self.b.ins().iadd_imm_s(q, -1), self.b.ins().iadd(r, safe));
        let q = self.b.ins().select(down, q1, q);
        let r = self.b.ins().select(down, r1, r);
        (self.b.ins().select(by_zero, zero, q), self.b.ins().select(by_zero, zero, r))
    }

    /// The stride of a buffer's axis in bytes, or `None` if it is one element.
    pub(super) fn stride(&self, mem: Mem, axis: usize) -> Option<Value> {
        match mem {
            Mem::Scratch(_) => None,
            Mem::Buffer(i) => self.strides[i as usize][axis],
        }
    }

    pub(super) fn element_size(&self, mem: Mem) -> i64 {
        match mem {
            Mem::Buffer(i) => self.kernel.buffers[i as usize].dtype.size() as i64,
            Mem::Scratch(i) => self.kernel.scratch[i as usize].dtype.size() as i64,
        }
    }

    pub(super) fn base(&self, mem: Mem) -> Value {
        match mem {
            Mem::Buffer(i) => self.buffers[i as usize],
            Mem::Scratch(i) => self.scratch[i as usize],
        }
    }

    /// `pointer + index * stride` along one axis.
    pub(super) fn step(&mut self, mem: Mem, axis: usize, pointer: Value, index: &Dim) -> Value {
        if index.is(0) {
            return pointer;
        }
        let size = self.element_size(mem);
        match self.stride(mem, axis) {
            None if index.as_const().is_some() => {
                self.b.ins().iadd_imm_s(pointer, index.as_const().expect("checked") * size)
            }
            None => {
                let i = self.dim(index);
                let bytes = self.b.ins().ishl_imm_s(i, i64::from(size.trailing_zeros()));
                self.b.ins().iadd(pointer, bytes)
            }
            Some(stride) => {
                let bytes = if index.is(1) {
                    stride
                } else {
                    let i = self.dim(index);
                    self.b.ins().imul(i, stride)
                };
                self.b.ins().iadd(pointer, bytes)
            }
        }
    }

    /// The sum of what is known of an address, from the innermost loop that prepared it.
    pub(super) fn partial(&mut self, mem: Mem, index: &[Dim]) -> Partial {
        if let Some(p) = self.partials.get(&(mem, index.to_vec())) {
            return p.clone();
        }
        Partial { pointer: self.base(mem), rest: (0..index.len()).collect() }
    }

    /// Adds up, before a loop, what is known of the addresses in its body. Returns what to restore afterwards.
    pub(super) fn prepare(&mut self, body: &[Stmt]) {
        for s in body {
            match s {
                Stmt::Load { mem, index, .. } | Stmt::Store { mem, index, .. } => {
                    let key = (*mem, index.clone());
                    let mut p = self.partial(*mem, index);
                    let (now, later): (Vec<usize>, Vec<usize>) =
                        p.rest.iter().partition(|k| self.known(&index[**k]));
                    if now.is_empty() && self.partials.contains_key(&key) {
                        continue;
                    }
                    for k in now {
                        p.pointer = self.step(*mem, k, p.pointer, &index[k]);
                    }
                    p.rest = later;
                    self.partials.insert(key, p);
                }
                Stmt::For { body, .. } => self.prepare(body),
                // Not hoisted out of what may not run at all, or runs after values change.
                Stmt::While { .. } | Stmt::If { .. } => {}
                Stmt::Const { .. }
                | Stmt::Let { .. }
                | Stmt::Index { .. }
                | Stmt::Init { .. }
                | Stmt::Set { .. }
                | Stmt::Get { .. }
                | Stmt::Accumulate { .. }
                | Stmt::Check { .. }
                | Stmt::Block { .. } => {}
            }
        }
    }

    /// The address of an element.
    pub(super) fn address(&mut self, mem: Mem, index: &[Dim]) -> Value {
        let p = self.partial(mem, index);
        let mut pointer = p.pointer;
        for k in p.rest {
            pointer = self.step(mem, k, pointer, &index[k]);
        }
        pointer
    }

    /// Flags of kernel memory: aligned to nothing in particular, never faulting.
    pub(super) fn flags() -> MemFlagsData {
        MemFlagsData::new().with_notrap()
    }
}
