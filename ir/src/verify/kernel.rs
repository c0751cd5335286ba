//! Invariants of a kernel:
//!
//! 1. A value is defined once, before its uses and in an enclosing block; its type follows from its definition.
//! 2. Memory is indexed with one expression per axis (scratch: one); what is stored has the memory's type; `write`
//!    buffers are never loaded, `read` ones never stored.
//! 3. Expressions mention size parameters, indices of enclosing loops, and `i64` values in scope.
//! 4. Loop indices and sizes have different names.
//! 5. A `parallel` loop stands at the top level, at most once, and no variable set up outside is assigned in it.
//! 6. A `vector` loop contains no loop; variables set up outside it are touched by `accumulate` only, each by one.
//! 7. A variable is set up (`var`) on every path to a use, with one type; `accumulate` combines with
//!    `add mul min max and or`.
//! 8. Tests are `bool`; block calls read and write scratch with a math primitive.

use super::{Checked, broken, require, unknown_symbol};
use crate::dim::{Dim, Symbol};
use crate::dtype::DType;
use crate::error::VerifyError;
use crate::kernel::{Access, Kernel, LoopKind, Mem, Stmt, Var, symbol_val};
use crate::prim::{Prim, Val};
use std::collections::{HashMap, HashSet};

/// Checks a kernel.
pub fn kernel(k: &Kernel) -> Checked {
    let mut v = Verifier {
        k,
        defined: vec![false; k.vals.len()],
        visible: HashSet::new(),
        live: HashSet::new(),
        indices: Vec::new(),
        used_indices: k.sizes.iter().cloned().collect(),
        parallel: 0,
        inside: Vec::new(),
    };
    let head = || format!("kernel @{}", k.name);
    require(v.used_indices.len() == k.sizes.len(), &head, || "two sizes have one name".into())?;
    let real =
        k.buffers.iter().map(|b| b.dtype).chain(k.scratch.iter().map(|s| s.dtype)).all(|t| !t.is_complex());
    require(real, &head, || "complex types do not occur in kernels".into())?;
    for s in &k.scratch {
        v.expression(&s.elements, &head)?;
    }
    v.block(&k.body, true)
}

/// A `parallel` or `vector` loop that encloses the current statement.
struct Enclosing {
    kind: LoopKind,
    /// Variables set up before it.
    outside: HashSet<Var>,
    /// Variables of `outside` accumulated in it.
    accumulated: HashMap<Var, Prim>,
}

struct Verifier<'a> {
    k: &'a Kernel,
    /// Values defined anywhere so far.
    defined: Vec<bool>,
    /// Values in scope.
    visible: HashSet<Val>,
    /// Variables set up on every path to here.
    live: HashSet<Var>,
    indices: Vec<Symbol>,
    /// Names of sizes and of all loops so far.
    used_indices: HashSet<Symbol>,
    parallel: usize,
    inside: Vec<Enclosing>,
}

type Place<'p> = &'p dyn Fn() -> String;

impl Verifier<'_> {
    fn expression(&self, d: &Dim, place: Place<'_>) -> Checked {
        let known = |s: &str| match symbol_val(s) {
            Some(v) => self.visible.contains(&v) && self.k.ty(v) == DType::I64,
            None => self.k.sizes.iter().chain(&self.indices).any(|k| &**k == s),
        };
        match unknown_symbol(d, &known) {
            Some(s) => broken(place(), format!("`{s}` is not a size, loop index or i64 value in scope")),
            None => Ok(()),
        }
    }

    fn used(&self, v: Val, place: Place<'_>) -> Result<DType, VerifyError> {
        require(self.visible.contains(&v), place, || format!("{v} is not defined here"))?;
        Ok(self.k.ty(v))
    }

    fn define(&mut self, v: Val, ty: DType, place: Place<'_>) -> Checked {
        let n = v.0 as usize;
        require(n < self.defined.len() && !self.defined[n], place, || format!("{v} is defined twice"))?;
        require(self.k.vals[n] == ty, place, || format!("{v} has type {}, not {ty}", self.k.vals[n]))?;
        self.defined[n] = true;
        self.visible.insert(v);
        Ok(())
    }

    fn memory(&self, mem: Mem, index: &[Dim], place: Place<'_>) -> Result<DType, VerifyError> {
        let (ty, rank) = match mem {
            Mem::Buffer(b) => self.k.buffers.get(b as usize).map(|b| (b.dtype, b.rank)),
            Mem::Scratch(s) => self.k.scratch.get(s as usize).map(|s| (s.dtype, 1)),
        }
        .map_or_else(|| broken(place(), format!("{mem} is not declared")), Ok)?;
        require(index.len() == rank, place, || format!("{mem} takes {rank} indices, not {}", index.len()))?;
        index.iter().try_for_each(|d| self.expression(d, place))?;
        Ok(ty)
    }

    fn access(&self, mem: Mem, forbidden: Access, place: Place<'_>) -> Checked {
        let Mem::Buffer(b) = mem else { return Ok(()) };
        let a = self.k.buffers[b as usize].access;
        require(a != forbidden, place, || format!("{mem} is a `{}` buffer", a.name()))
    }

    fn bool(&self, v: Val, place: Place<'_>) -> Checked {
        let t = self.used(v, place)?;
        require(t == DType::Bool, place, || format!("the test {v} is {t}, not bool"))
    }

    fn variable(&self, var: Var, ty: Option<DType>, place: Place<'_>) -> Checked {
        require(self.live.contains(&var), place, || format!("{var} is not set up on every path to here"))?;
        let own = self.k.vars[var.0 as usize];
        require(ty.is_none_or(|t| t == own), place, || format!("{var} has type {own}"))
    }

    /// A use other than `accumulate` of a variable that must not have one inside the enclosing loops.
    fn private(&self, var: Var, writes: bool, place: Place<'_>) -> Checked {
        for e in &self.inside {
            let bad = e.outside.contains(&var) && (writes || e.kind == LoopKind::Vector);
            require(!bad, place, || format!("{var} comes from outside this {} loop", e.kind.name()))?;
        }
        Ok(())
    }

    fn block(&mut self, stmts: &[Stmt], top: bool) -> Checked {
        let before = self.visible.clone();
        for s in stmts {
            self.stmt(s, top)?;
        }
        self.visible = before;
        Ok(())
    }

    fn stmt(&mut self, s: &Stmt, top: bool) -> Checked {
        let place = || describe(s);
        match s {
            Stmt::Const { dst, value } => self.define(*dst, value.dtype(), &place),
            Stmt::Let { dst, op, args } => {
                let types = args.iter().map(|a| self.used(*a, &place)).collect::<Result<Vec<_>, _>>()?;
                let to = self.k.vals.get(dst.0 as usize).copied();
                match op.result(&types, to) {
                    Ok(ty) => self.define(*dst, ty, &place),
                    Err(why) => broken(place(), why),
                }
            }
            Stmt::Index { dst, dim } => {
                self.expression(dim, &place)?;
                self.define(*dst, DType::I64, &place)
            }
            Stmt::Load { dst, mem, index } => {
                let ty = self.memory(*mem, index, &place)?;
                self.access(*mem, Access::Write, &place)?;
                self.define(*dst, ty, &place)
            }
            Stmt::Store { mem, index, src } => {
                let ty = self.memory(*mem, index, &place)?;
                self.access(*mem, Access::Read, &place)?;
                let t = self.used(*src, &place)?;
                require(t == ty, &place, || format!("{mem} holds {ty}, not {t}"))
            }
            Stmt::Init { var, src } => {
                let t = self.used(*src, &place)?;
                let own = self.k.vars.get(var.0 as usize).copied();
                require(own == Some(t), &place, || format!("{var} does not have type {t}"))?;
                self.private(*var, true, &place)?;
                self.live.insert(*var);
                Ok(())
            }
            Stmt::Set { var, src } => {
                let t = self.used(*src, &place)?;
                self.variable(*var, Some(t), &place)?;
                self.private(*var, true, &place)
            }
            Stmt::Get { dst, var } => {
                self.variable(*var, None, &place)?;
                self.private(*var, false, &place)?;
                self.define(*dst, self.k.vars[var.0 as usize], &place)
            }
            Stmt::Accumulate { var, op, src } => {
                let t = self.used(*src, &place)?;
                self.variable(*var, Some(t), &place)?;
                let known =
                    matches!(op, Prim::Add | Prim::Mul | Prim::Min | Prim::Max | Prim::And | Prim::Or);
                let fits = known && op.result(&[t, t], None).is_ok();
                require(fits, &place, || format!("`{op}` does not accumulate {t}"))?;
                for e in &mut self.inside {
                    if !e.outside.contains(var) {
                        continue;
                    }
                    if e.kind == LoopKind::Parallel {
                        return broken(place(), format!("{var} comes from outside this parallel loop"));
                    }
                    if e.accumulated.insert(*var, *op).is_some() {
                        return broken(place(), format!("{var} is accumulated twice in one vector loop"));
                    }
                }
                Ok(())
            }
            Stmt::For { index, lo, hi, kind, body } => {
                self.expression(lo, &place)?;
                self.expression(hi, &place)?;
                let fresh = symbol_val(index).is_none() && self.used_indices.insert(index.clone());
                require(fresh, &place, || format!("`{index}` is a name in use"))?;
                let in_vector = self.inside.iter().any(|e| e.kind == LoopKind::Vector);
                require(!in_vector, &place, || "a loop inside a vector loop".into())?;
                if *kind == LoopKind::Parallel {
                    self.parallel += 1;
                    require(top && self.parallel == 1, &place, || {
                        "a parallel loop that is not the only one at the top level".into()
                    })?;
                }
                if *kind != LoopKind::Serial {
                    let outside = self.live.clone();
                    self.inside.push(Enclosing { kind: *kind, outside, accumulated: HashMap::new() });
                }
                self.indices.push(index.clone());
                // The body may run no time: what it sets up is not set up after it.
                let live = self.live.clone();
                self.block(body, false)?;
                self.live = live;
                self.indices.pop();
                if *kind != LoopKind::Serial {
                    self.inside.pop();
                }
                Ok(())
            }
            Stmt::While { cond, test, body } => {
                let in_vector = self.inside.iter().any(|e| e.kind == LoopKind::Vector);
                require(!in_vector, &place, || "a loop inside a vector loop".into())?;
                let visible = self.visible.clone();
                for s in cond {
                    self.stmt(s, false)?;
                }
                self.bool(*test, &place)?;
                let live = self.live.clone();
                self.block(body, false)?;
                self.live = live;
                self.visible = visible;
                Ok(())
            }
            Stmt::If { test, then, otherwise } => {
                self.bool(*test, &place)?;
                let before = self.live.clone();
                self.block(then, false)?;
                let after = std::mem::replace(&mut self.live, before);
                self.block(otherwise, false)?;
                self.live.retain(|v| after.contains(v));
                Ok(())
            }
            Stmt::Check { test, .. } => self.bool(*test, &place),
            Stmt::Block { op, dst, args, n } => {
                self.expression(n, &place)?;
                require(op.is_math() && op.arity() == args.len(), &place, || {
                    format!("`{op}` is not a math function of {} operands", args.len())
                })?;
                let ty = self.memory(dst.0, std::slice::from_ref(&dst.1), &place)?;
                for (mem, at) in args.iter().chain([dst]) {
                    require(matches!(mem, Mem::Scratch(_)), &place, || format!("{mem} is not scratch"))?;
                    let t = self.memory(*mem, std::slice::from_ref(at), &place)?;
                    require(t == ty && t.is_float(), &place, || format!("`{op}` does not take {t}"))?;
                }
                Ok(())
            }
        }
    }
}

/// The head of a statement, for messages.
fn describe(s: &Stmt) -> String {
    match s {
        Stmt::Const { dst, .. } => format!("{dst} = const"),
        Stmt::Let { dst, op, .. } => format!("{dst} = {op}"),
        Stmt::Index { dst, .. } => format!("{dst} = index"),
        Stmt::Load { dst, mem, .. } => format!("{dst} = load {mem}"),
        Stmt::Store { mem, .. } => format!("store {mem}"),
        Stmt::Init { var, .. } => format!("var {var}"),
        Stmt::Set { var, .. } => format!("set {var}"),
        Stmt::Get { dst, var } => format!("{dst} = get {var}"),
        Stmt::Accumulate { var, .. } => format!("accumulate {var}"),
        Stmt::For { index, kind, .. } => format!("{} {index}", kind.name()),
        Stmt::While { .. } => "while".into(),
        Stmt::If { .. } => "if".into(),
        Stmt::Check { .. } => "check".into(),
        Stmt::Block { op, .. } => format!("block {op}"),
    }
}
