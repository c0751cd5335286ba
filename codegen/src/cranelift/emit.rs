//! Statements: the walk over a kernel's body.

use super::address::Partial;
use super::prim::ty;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self, AbiParam, BlockArg, InstBuilder, Signature, Value, types};
use cranelift_codegen::isa::TargetIsa;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext, Variable};
use frit_ir::dim::{Dim, Symbol};
use frit_ir::kernel::{Kernel, LoopKind, Mem, Stmt};
use frit_ir::prim::Val;
use frit_ir::{DType, Prim, Scalar};
use std::collections::HashMap;

/// `fn(args, scratch, lo, hi) -> status`.
pub(super) fn signature(isa: &dyn TargetIsa) -> Signature {
    let mut s = Signature::new(isa.default_call_conv());
    s.params = vec![AbiParam::new(types::I64); 4];
    s.returns = vec![AbiParam::new(types::I64)];
    s
}

pub(super) struct Emitter<'a, 'f> {
    pub(super) isa: &'a dyn TargetIsa,
    pub(super) kernel: &'a Kernel,
    pub(super) b: FunctionBuilder<'f>,
    /// Scalar form of each value, where it is in scope.
    pub(super) vals: Vec<Option<Value>>,
    pub(super) vars: Vec<Variable>,
    /// Sizes and loop indices.
    pub(super) symbols: HashMap<Symbol, Value>,
    pub(super) buffers: Vec<Value>,
    /// Byte strides; `None` for a unit axis.
    pub(super) strides: Vec<Vec<Option<Value>>>,
    pub(super) scratch: Vec<Value>,
    pub(super) partials: HashMap<(Mem, Vec<Dim>), Partial>,
    pub(super) status: Variable,
    part: (Value, Value),
}

/// Emits a kernel's body into a function.
pub(super) fn emit(
    isa: &dyn TargetIsa,
    kernel: &Kernel,
    f: &mut ir::Function,
    context: &mut FunctionBuilderContext,
) {
    let mut b = FunctionBuilder::new(f, context);
    let entry = b.create_block();
    b.append_block_params_for_function_params(entry);
    b.switch_to_block(entry);
    b.seal_block(entry);
    let params = b.block_params(entry).to_vec();
    let status = b.declare_var(types::I64);
    let zero = b.ins().iconst(types::I64, 0);
    b.def_var(status, zero);
    let vars = kernel.vars.iter().map(|t| b.declare_var(ty(*t))).collect();
    let layout = kernel.layout();
    let flags = Emitter::flags();
    let word =
        |b: &mut FunctionBuilder<'_>, i: usize| b.ins().load(types::I64, flags, params[0], i as i32 * 8);
    let buffers: Vec<Value> = (0..kernel.buffers.len()).map(|i| word(&mut b, i)).collect();
    let mut strides = Vec::new();
    for (p, first) in kernel.buffers.iter().zip(&layout.strides) {
        let of_axis = |axis: usize| {
            if p.unit && axis + 1 == p.rank {
                return None;
            }
            let elements = word(&mut b, first + axis);
            Some(b.ins().ishl_imm_s(elements, i64::from(p.dtype.size().trailing_zeros())))
        };
        strides.push((0..p.rank).map(of_axis).collect());
    }
    let mut symbols = HashMap::new();
    for (i, s) in kernel.sizes.iter().enumerate() {
        symbols.insert(s.clone(), word(&mut b, layout.sizes + i));
    }
    let mut e = Emitter {
        isa,
        kernel,
        b,
        vals: vec![None; kernel.vals.len()],
        vars,
        symbols,
        buffers,
        strides,
        scratch: vec![],
        partials: HashMap::new(),
        status,
        part: (params[2], params[3]),
    };
    let mut at = params[1];
    for s in &kernel.scratch {
        e.scratch.push(at);
        let n = e.dim(&s.elements);
        let bytes = e.b.ins().imul_imm_s(n, s.dtype.size() as i64);
        let padded = e.b.ins().iadd_imm_s(bytes, 63);
        let slot = e.b.ins().band_imm_s(padded, !63);
        at = e.b.ins().iadd(at, slot);
    }
    e.prepare(&kernel.body);
    e.block(&kernel.body);
    let status = e.b.use_var(e.status);
    e.b.ins().return_(&[status]);
    e.b.finalize(isa.frontend_config());
}

impl Emitter<'_, '_> {
    pub(super) fn block(&mut self, stmts: &[Stmt]) {
        for s in stmts {
            self.stmt(s);
        }
    }

    pub(super) fn constant(&mut self, value: Scalar) -> Value {
        let t = value.dtype();
        match t {
            DType::F32 => self.b.ins().f32const(f32::from_bits(value.bits()[0] as u32)),
            DType::F64 => self.b.ins().f64const(f64::from_bits(value.bits()[0])),
            _ => {
                let width = t.size() as u32 * 8;
                let bits = value.bits()[0];
                let masked = if width == 64 { bits } else { bits & ((1 << width) - 1) };
                self.b.ins().iconst(ty(t), masked as i64)
            }
        }
    }

    pub(super) fn val(&self, v: Val) -> Value {
        self.vals[v.0 as usize].expect("a value in scope")
    }

    /// Combines a value into a variable.
    pub(super) fn accumulate(&mut self, var: Variable, op: Prim, t: DType, src: Value) {
        let old = self.b.use_var(var);
        let new = self.scalar(op, t, t, &[old, src]);
        self.b.def_var(var, new);
    }

    pub(super) fn stmt(&mut self, s: &Stmt) {
        match s {
            Stmt::Const { dst, value } => self.vals[dst.0 as usize] = Some(self.constant(*value)),
            Stmt::Let { dst, op, args } => {
                let t = self.operand_type(*op, args);
                let a: Vec<Value> = args.iter().map(|v| self.val(*v)).collect();
                let v = self.scalar(*op, t, self.kernel.ty(*dst), &a);
                self.vals[dst.0 as usize] = Some(v);
            }
            Stmt::Index { dst, dim } => self.vals[dst.0 as usize] = Some(self.dim(dim)),
            Stmt::Load { dst, mem, index } => {
                let p = self.address(*mem, index);
                let v = self.b.ins().load(ty(self.kernel.ty(*dst)), Self::flags(), p, 0);
                self.vals[dst.0 as usize] = Some(v);
            }
            Stmt::Store { mem, index, src } => {
                let p = self.address(*mem, index);
                let v = self.val(*src);
                self.b.ins().store(Self::flags(), v, p, 0);
            }
            Stmt::Init { var, src } | Stmt::Set { var, src } => {
                let v = self.val(*src);
                self.b.def_var(self.vars[var.0 as usize], v);
            }
            Stmt::Get { dst, var } => {
                let v = self.b.use_var(self.vars[var.0 as usize]);
                self.vals[dst.0 as usize] = Some(v);
            }
            Stmt::Accumulate { var, op, src } => {
                let v = self.val(*src);
                self.accumulate(self.vars[var.0 as usize], *op, self.kernel.vars[var.0 as usize], v);
            }
            Stmt::For { index, lo, hi, kind, body } => self.for_loop(index, lo, hi, *kind, body),
            Stmt::While { cond, test, body } => self.while_loop(cond, *test, body),
            Stmt::If { test, then, otherwise } => self.branch(*test, then, otherwise),
            Stmt::Check { test, fault } => {
                let ok = self.val(*test);
                self.check(ok, *fault as i64);
            }
            Stmt::Block { op, dst, args, n } => {
                let f = super::prim::function(*op);
                let t = match dst.0 {
                    Mem::Scratch(i) => self.kernel.scratch[i as usize].dtype,
                    Mem::Buffer(i) => self.kernel.buffers[i as usize].dtype,
                };
                let address = if t == DType::F64 { f.block_f64() } else { f.block_f32() };
                let mut values = vec![self.address(dst.0, std::slice::from_ref(&dst.1))];
                for (mem, at) in args {
                    values.push(self.address(*mem, std::slice::from_ref(at)));
                }
                values.push(self.dim(n));
                self.call(address, &vec![types::I64; values.len()], None, &values);
            }
        }
    }

    /// The type on which a primitive works.
    pub(super) fn operand_type(&self, op: Prim, args: &[Val]) -> DType {
        self.kernel.ty(if op == Prim::Select { args[1] } else { args[0] })
    }

    pub(super) fn check(&mut self, ok: Value, fault: i64) {
        let old = self.b.use_var(self.status);
        let failed = self.b.ins().iconst(types::I64, fault);
        let new = self.b.ins().select(ok, old, failed);
        self.b.def_var(self.status, new);
    }

    /// The common shape of loops: `body` is emitted once, with the index.
    pub(super) fn counted(
        &mut self,
        lo: Value,
        hi: Value,
        step: i64,
        body: &mut dyn FnMut(&mut Self, Value),
    ) -> Value {
        let (inside, exit) = (self.b.create_block(), self.b.create_block());
        let i = self.b.append_block_param(inside, types::I64);
        let last = self.b.append_block_param(exit, types::I64);
        let enter = self.b.ins().icmp(IntCC::SignedLessThan, lo, hi);
        self.b.ins().brif(enter, inside, &[BlockArg::Value(lo)], exit, &[BlockArg::Value(lo)]);
        self.b.switch_to_block(inside);
        body(self, i);
        let next = self.b.ins().iadd_imm_s(i, step);
        let again = self.b.ins().icmp(IntCC::SignedLessThan, next, hi);
        self.b.ins().brif(again, inside, &[BlockArg::Value(next)], exit, &[BlockArg::Value(next)]);
        self.b.seal_block(inside);
        self.b.switch_to_block(exit);
        self.b.seal_block(exit);
        last
    }

    fn for_loop(&mut self, index: &Symbol, lo: &Dim, hi: &Dim, kind: LoopKind, body: &[Stmt]) {
        let (lo, hi) = match kind {
            LoopKind::Parallel => self.part,
            LoopKind::Serial | LoopKind::Vector => (self.dim(lo), self.dim(hi)),
        };
        let outer = self.partials.clone();
        if kind == LoopKind::Vector && super::simd::vector_loop(self, index, lo, hi, body) {
            self.partials = outer;
            return;
        }
        self.prepare(body);
        self.scalar_loop(index, lo, hi, body);
        self.partials = outer;
    }

    pub(super) fn scalar_loop(&mut self, index: &Symbol, lo: Value, hi: Value, body: &[Stmt]) {
        let shadowed = self.symbols.get(index).copied();
        self.counted(lo, hi, 1, &mut |e, i| {
            e.symbols.insert(index.clone(), i);
            e.block(body);
            e.forget(body);
        });
        match shadowed {
            Some(v) => self.symbols.insert(index.clone(), v),
            None => self.symbols.remove(index),
        };
    }

    /// Values of a finished block are out of scope.
    fn forget(&mut self, body: &[Stmt]) {
        for s in body {
            if let Some(v) = crate::stage::defines(s) {
                self.vals[v.0 as usize] = None;
            }
        }
    }

    fn while_loop(&mut self, cond: &[Stmt], test: Val, body: &[Stmt]) {
        let (head, inside, exit) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        self.b.ins().jump(head, &[]);
        self.b.switch_to_block(head);
        self.block(cond);
        let t = self.val(test);
        self.b.ins().brif(t, inside, &[], exit, &[]);
        self.b.switch_to_block(inside);
        self.b.seal_block(inside);
        self.block(body);
        self.forget(cond);
        self.forget(body);
        self.b.ins().jump(head, &[]);
        self.b.seal_block(head);
        self.b.switch_to_block(exit);
        self.b.seal_block(exit);
    }

    fn branch(&mut self, test: Val, then: &[Stmt], otherwise: &[Stmt]) {
        let (yes, no, join) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        let t = self.val(test);
        self.b.ins().brif(t, yes, &[], no, &[]);
        for (block, body) in [(yes, then), (no, otherwise)] {
            self.b.switch_to_block(block);
            self.b.seal_block(block);
            self.block(body);
            self.forget(body);
            self.b.ins().jump(join, &[]);
        }
        self.b.switch_to_block(join);
        self.b.seal_block(join);
    }
}
