//! Invariants of a plan:
//!
//! 1. Input `k` is backed by one buffer, which says so; constants have as many elements as their buffer.
//! 2. A temporary or output buffer is used after its `alloc` and before its `free`; a temporary is freed once, an
//!    output never. Each list of steps (a loop's body, a branch) frees what it allocates. Inputs and constants are
//!    neither allocated, freed, swapped nor written.
//! 3. A launch passes one view per buffer parameter, of its rank and real element type (complex: one more axis), and
//!    one expression per size parameter. Views passed to `unit` parameters have last stride 1, or last size 1 or less.
//! 4. Expressions mention sizes that inputs' shapes tell (as for graphs), strides of strided inputs, and indices of
//!    enclosing loops (for the size of a temporary: of loops around its `alloc`). Loop indices have names of their own.
//! 5. Kernels have different names; each is valid by [`super::kernel()`] and launched somewhere.
//! 6. A view whose expressions are constant lies within its buffer.
//! 7. The result of a library call shares no buffer with its operands, but with the one that its op overwrites: then both
//!    are the same view.

use super::{Checked, broken, require, unknown_symbol};
use crate::dim::{Dim, Symbol};
use crate::kernel::Access;
use crate::plan::{BufferId, BufferSource, Launch, Layout, Plan, Step, View, stride_symbol};
use std::collections::HashSet;

/// Checks a plan and its kernels.
pub fn plan(p: &Plan) -> Checked {
    let mut symbols = super::graph::sizes(p.inputs.iter().flat_map(|i| &i.ty.shape));
    for (k, input) in p.inputs.iter().enumerate() {
        if input.layout == Layout::Strided {
            symbols.extend((0..input.ty.shape.len()).map(|axis| stride_symbol(k, axis)));
        }
    }
    let mut v =
        Verifier { p, symbols, live: vec![false; p.buffers.len()], launched: vec![false; p.kernels.len()] };
    v.head()?;
    v.steps(&p.steps)?;
    for (i, b) in p.buffers.iter().enumerate() {
        let leaked = b.source == BufferSource::Temporary && v.live[i];
        require(!leaked, &|| format!("t{i}"), || "a temporary that is never freed".into())?;
    }
    for out in &p.outputs {
        v.view(out, &|| "return".into())?;
    }
    match v.launched.iter().position(|l| !l) {
        Some(k) => broken(format!("kernel @{}", p.kernels[k].name), "no step launches it"),
        None => Ok(()),
    }
}

struct Verifier<'a> {
    p: &'a Plan,
    symbols: HashSet<Symbol>,
    /// Allocated and not freed, by buffer; inputs and constants always.
    live: Vec<bool>,
    launched: Vec<bool>,
}

type Place<'p> = &'p dyn Fn() -> String;

impl Verifier<'_> {
    fn head(&mut self) -> Checked {
        let p = self.p;
        for (k, input) in p.inputs.iter().enumerate() {
            let place = || format!("input %{}", input.name);
            let back = p
                .buffers
                .get(input.buffer.0 as usize)
                .is_some_and(|b| b.source == BufferSource::Input(k) && b.dtype == input.ty.dtype);
            require(back, &place, || "its buffer does not belong to it".into())?;
            input.ty.shape.iter().try_for_each(|d| self.expression(d, &place))?;
        }
        for (i, b) in p.buffers.iter().enumerate() {
            let place = || format!("t{i}");
            // The size of a temporary is asked for where it is allocated: in a loop, it may depend on the index.
            if b.source != BufferSource::Temporary {
                self.expression(&b.elements, &place)?;
            }
            match &b.source {
                BufferSource::Input(k) => {
                    let fits = p.inputs.get(*k).is_some_and(|x| x.buffer.0 as usize == i);
                    require(fits, &place, || format!("there is no such input {k}"))?;
                    self.live[i] = true;
                }
                BufferSource::Constant(l) => {
                    let fits = b.elements.is(l.len() as i64) && b.dtype == l.ty.dtype;
                    require(fits, &place, || format!("a constant of type {}", l.ty))?;
                    self.live[i] = true;
                }
                BufferSource::Temporary | BufferSource::Output => {}
            }
        }
        let mut names = HashSet::new();
        for k in &p.kernels {
            let place = || format!("kernel @{}", k.name);
            require(names.insert(&k.name), &place, || "another kernel has this name".into())?;
            super::kernel(k)?;
        }
        Ok(())
    }

    fn expression(&self, d: &Dim, place: Place<'_>) -> Checked {
        match unknown_symbol(d, &|s| self.symbols.contains(s)) {
            Some(s) => broken(place(), format!("`{s}` is not a size, stride or loop index in scope")),
            None => Ok(()),
        }
    }

    fn buffer(&self, b: BufferId, place: Place<'_>) -> Checked {
        let live = self.live.get(b.0 as usize) == Some(&true);
        require(live, place, || format!("t{} has no memory here", b.0))
    }

    fn view(&self, v: &View, place: Place<'_>) -> Checked {
        self.buffer(v.buffer, place)?;
        require(v.shape.len() == v.strides.len(), place, || {
            "a view with other than one stride per axis".into()
        })?;
        for d in v.shape.iter().chain(&v.strides).chain([&v.offset]) {
            self.expression(d, place)?;
        }
        require(in_bounds(v, &self.p.buffer(v.buffer).elements), place, || {
            format!("a view of t{} outside its {} elements", v.buffer.0, self.p.buffer(v.buffer).elements)
        })
    }

    fn writable(&self, b: BufferId, place: Place<'_>) -> Checked {
        let own = matches!(self.p.buffer(b).source, BufferSource::Temporary | BufferSource::Output);
        require(own, place, || format!("t{} belongs to the caller or is constant", b.0))
    }

    fn launch(&mut self, l: &Launch) -> Checked {
        let Some(k) = self.p.kernels.get(l.kernel) else {
            return broken("launch", format!("there is no kernel {}", l.kernel));
        };
        self.launched[l.kernel] = true;
        let place = || format!("launch @{}", k.name);
        require(l.args.len() == k.buffers.len(), &place, || {
            format!("{} views for {} buffers", l.args.len(), k.buffers.len())
        })?;
        require(l.sizes.len() == k.sizes.len(), &place, || {
            format!("{} sizes for {}", l.sizes.len(), k.sizes.len())
        })?;
        for (i, (a, b)) in l.args.iter().zip(&k.buffers).enumerate() {
            self.view(a, &place)?;
            let ty = self.p.buffer(a.buffer).dtype;
            let rank = a.shape.len() + usize::from(ty.is_complex());
            require(ty.real() == b.dtype && rank == b.rank, &place, || {
                format!(
                    "argument {i} is {ty} of rank {}, b{i} is {} of rank {}",
                    a.shape.len(),
                    b.dtype,
                    b.rank
                )
            })?;
            if b.unit && !ty.is_complex() {
                let last = a.shape.last().zip(a.strides.last());
                let fits = last.is_none_or(|(n, s)| s.is(1) || n.is(1) || n.is(0));
                require(fits, &place, || format!("argument {i} does not have last stride 1"))?;
            }
            if b.access != Access::Read {
                self.writable(a.buffer, &place)?;
            }
        }
        l.sizes.iter().chain([&l.parallel, &l.cost]).try_for_each(|d| self.expression(d, &place))
    }

    /// A nested list: the same buffers have memory before and after.
    fn nested(&mut self, steps: &[Step], place: Place<'_>) -> Checked {
        let before = self.live.clone();
        self.steps(steps)?;
        match before.iter().zip(&self.live).position(|(a, b)| a != b) {
            Some(t) => broken(place(), format!("t{t} is allocated or freed, but not both, inside")),
            None => Ok(()),
        }
    }

    fn steps(&mut self, steps: &[Step]) -> Checked {
        steps.iter().try_for_each(|s| self.step(s))
    }

    fn step(&mut self, s: &Step) -> Checked {
        match s {
            Step::Alloc(b) => {
                let place = || format!("alloc t{}", b.0);
                require((b.0 as usize) < self.live.len(), &place, || "there is no such buffer".into())?;
                self.writable(*b, &place)?;
                self.expression(&self.p.buffer(*b).elements, &place)?;
                let live = std::mem::replace(&mut self.live[b.0 as usize], true);
                require(!live, &place, || "it has memory already".into())
            }
            Step::Free(b) => {
                let place = || format!("free t{}", b.0);
                self.buffer(*b, &place)?;
                let temporary = self.p.buffer(*b).source == BufferSource::Temporary;
                require(temporary, &place, || "only temporaries are freed".into())?;
                self.live[b.0 as usize] = false;
                Ok(())
            }
            Step::Launch(l) => self.launch(l),
            Step::Library(c) => {
                let place = || c.op.to_string();
                for v in c.inputs.iter().chain(&c.outputs) {
                    self.view(v, &place)?;
                }
                for v in &c.outputs {
                    self.writable(v.buffer, &place)?;
                    require(v.is_contiguous(), &place, || "a result that is not contiguous".into())?;
                    let mut operands = c.inputs.iter().enumerate();
                    let apart = operands
                        .all(|(k, x)| x.buffer != v.buffer || c.op.def().overwrites == Some(k) && x == v);
                    require(apart, &place, || "a result in the memory of an operand".into())?;
                }
                Ok(())
            }
            Step::Swap(a, b) => {
                let place = || format!("swap t{}, t{}", a.0, b.0);
                for x in [a, b] {
                    self.buffer(*x, &place)?;
                    self.writable(*x, &place)?;
                }
                let (x, y) = (self.p.buffer(*a), self.p.buffer(*b));
                require(x.dtype == y.dtype && x.elements == y.elements, &place, || {
                    "buffers of different types or sizes".into()
                })
            }
            Step::For { index, lo, hi, body } => {
                let place = || format!("for {index}");
                self.expression(lo, &place)?;
                self.expression(hi, &place)?;
                require(self.symbols.insert(index.clone()), &place, || "the index is a name in use".into())?;
                self.nested(body, &place)?;
                self.symbols.remove(index);
                Ok(())
            }
            Step::While { cond, test, body } => {
                let place = || "while".to_string();
                self.nested(cond, &place)?;
                self.test(test, &place)?;
                self.nested(body, &place)
            }
            Step::If { test, then, otherwise } => {
                let place = || "if".to_string();
                self.test(test, &place)?;
                self.nested(then, &place)?;
                self.nested(otherwise, &place)
            }
        }
    }

    fn test(&self, v: &View, place: Place<'_>) -> Checked {
        self.view(v, place)?;
        let fits = v.shape.is_empty() && self.p.buffer(v.buffer).dtype == crate::DType::Bool;
        require(fits, place, || "the test is not a 0-d bool".into())
    }
}

/// False if the view is constant and reaches outside `0..elements`.
fn in_bounds(v: &View, elements: &Dim) -> bool {
    let constants = |d: &[Dim]| d.iter().map(|d| d.as_const().map(i128::from)).collect::<Option<Vec<_>>>();
    let (Some(shape), Some(strides), Some(offset), Some(n)) =
        (constants(&v.shape), constants(&v.strides), v.offset.as_const(), elements.as_const())
    else {
        return true;
    };
    if shape.iter().any(|n| *n < 0) {
        return false;
    }
    if shape.contains(&0) {
        return true;
    }
    let (mut lo, mut hi) = (offset as i128, offset as i128);
    for (n, s) in shape.iter().zip(&strides) {
        let reach = (n - 1).saturating_mul(*s);
        if reach < 0 { lo = lo.saturating_add(reach) } else { hi = hi.saturating_add(reach) }
    }
    lo >= 0 && hi < n as i128
}
