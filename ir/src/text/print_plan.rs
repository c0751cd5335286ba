//! Kernels and plans as text. The shape of both is shown in the docs of their modules.

use super::print_graph::{at_name, attributes, dims, list, literal, location};
use crate::dim::Dim;
use crate::kernel::{Kernel, Mem, Stmt};
use crate::plan::{BufferSource, Layout, Origin, Plan, Step, View};
use crate::prim::PrimType;
use std::fmt::{self, Display, Write};

fn block(f: &mut dyn Write, k: &Kernel, stmts: &[Stmt], depth: usize) -> fmt::Result {
    for s in stmts {
        write!(f, "{}", "  ".repeat(depth))?;
        stmt(f, k, s, depth)?;
        f.write_str("\n")?;
    }
    Ok(())
}

fn nested(f: &mut dyn Write, k: &Kernel, stmts: &[Stmt], depth: usize) -> fmt::Result {
    f.write_str("{\n")?;
    block(f, k, stmts, depth + 1)?;
    write!(f, "{}}}", "  ".repeat(depth))
}

fn place(mem: Mem, index: &[Dim]) -> String {
    format!("{mem}[{}]", dims(index))
}

fn stmt(f: &mut dyn Write, k: &Kernel, s: &Stmt, depth: usize) -> fmt::Result {
    match s {
        Stmt::Const { dst, value } => write!(f, "{dst} = const {value} : {}", value.dtype()),
        Stmt::Let { dst, op, args } => {
            write!(f, "{dst} = {op} ")?;
            list(f, args)?;
            if op.typing() == PrimType::Convert { write!(f, " : {}", k.ty(*dst)) } else { Ok(()) }
        }
        Stmt::Index { dst, dim } => write!(f, "{dst} = index {dim}"),
        Stmt::Load { dst, mem, index } => write!(f, "{dst} = load {}", place(*mem, index)),
        Stmt::Store { mem, index, src } => write!(f, "store {}, {src}", place(*mem, index)),
        Stmt::Init { var, src } => write!(f, "var {var} = {src}"),
        Stmt::Set { var, src } => write!(f, "set {var} = {src}"),
        Stmt::Get { dst, var } => write!(f, "{dst} = get {var}"),
        Stmt::Accumulate { var, op, src } => write!(f, "accumulate {var} {op} {src}"),
        Stmt::For { index, lo, hi, kind, body } => {
            write!(f, "{} {index} in {lo}..{hi} ", kind.name())?;
            nested(f, k, body, depth)
        }
        Stmt::While { cond, test, body } => {
            f.write_str("while ")?;
            nested(f, k, cond, depth)?;
            write!(f, " {test} ")?;
            nested(f, k, body, depth)
        }
        Stmt::If { test, then, otherwise } => {
            write!(f, "if {test} ")?;
            nested(f, k, then, depth)?;
            f.write_str(" else ")?;
            nested(f, k, otherwise, depth)
        }
        Stmt::Check { test, fault } => write!(f, "check {test} {}", fault.name()),
        Stmt::Block { op, dst, args, n } => {
            let tile = |(mem, at): &(Mem, Dim)| format!("{mem}[{at}]");
            write!(f, "block {} = {op} ", tile(dst))?;
            list(f, args.iter().map(tile))?;
            write!(f, " for {n}")
        }
    }
}

impl Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "kernel {}(", at_name(&self.name))?;
        list(
            f,
            self.buffers.iter().enumerate().map(|(i, b)| {
                let unit = if b.unit { " unit" } else { "" };
                format!("b{i}: {} {}[{}]{unit}", b.access.name(), b.dtype, b.rank)
            }),
        )?;
        f.write_str("; ")?;
        list(f, &self.sizes)?;
        for (i, s) in self.scratch.iter().enumerate() {
            write!(f, "{}s{i}: {}[{}]", if i > 0 { ", " } else { "; " }, s.dtype, s.elements)?;
        }
        f.write_str(") ")?;
        nested(f, self, &self.body, 0)
    }
}

fn view(v: &View) -> String {
    format!("t{}[{}; {}; {}]", v.buffer.0, v.offset, dims(&v.shape), dims(&v.strides))
}

/// Writes a plan without its kernels.
struct Printer<'a> {
    plan: &'a Plan,
    locs: bool,
}

impl Printer<'_> {
    fn origin(&self, f: &mut dyn Write, o: &Origin) -> fmt::Result {
        write!(f, " for {}", o.op)?;
        if self.locs { location(f, &o.loc) } else { Ok(()) }
    }

    fn block(&self, f: &mut dyn Write, steps: &[Step], depth: usize) -> fmt::Result {
        f.write_str("{\n")?;
        self.steps(f, steps, depth + 1)?;
        write!(f, "{}}}", "  ".repeat(depth))
    }

    fn steps(&self, f: &mut dyn Write, steps: &[Step], depth: usize) -> fmt::Result {
        for s in steps {
            f.write_str(&"  ".repeat(depth))?;
            self.step(f, s, depth)?;
            f.write_str("\n")?;
        }
        Ok(())
    }

    fn step(&self, f: &mut dyn Write, step: &Step, depth: usize) -> fmt::Result {
        match step {
            Step::Alloc(b) => write!(f, "alloc t{}", b.0),
            Step::Free(b) => write!(f, "free t{}", b.0),
            Step::Launch(l) => {
                write!(f, "launch {}(", at_name(&self.plan.kernels[l.kernel].name))?;
                list(f, l.args.iter().map(view))?;
                write!(f, ") sizes({}) over {} cost {}", dims(&l.sizes), l.parallel, l.cost)?;
                self.origin(f, &l.origin)
            }
            Step::Library(c) => {
                list(f, c.outputs.iter().map(view))?;
                write!(f, " = {}(", c.op)?;
                list(f, c.inputs.iter().map(view))?;
                f.write_str(")")?;
                attributes(f, &c.attrs, depth, self.locs)?;
                self.origin(f, &c.origin)
            }
            Step::Swap(a, b) => write!(f, "swap t{}, t{}", a.0, b.0),
            Step::For { index, lo, hi, body } => {
                write!(f, "for {index} in {lo}..{hi} ")?;
                self.block(f, body, depth)
            }
            Step::While { cond, test, body } => {
                f.write_str("while ")?;
                self.block(f, cond, depth)?;
                write!(f, " {} ", view(test))?;
                self.block(f, body, depth)
            }
            Step::If { test, then, otherwise } => {
                write!(f, "if {} ", view(test))?;
                self.block(f, then, depth)?;
                f.write_str(" else ")?;
                self.block(f, otherwise, depth)
            }
        }
    }

    fn plan(&self, f: &mut dyn Write) -> fmt::Result {
        let p = self.plan;
        writeln!(f, "plan {} {{", at_name(&p.name))?;
        for (i, b) in p.buffers.iter().enumerate() {
            write!(f, "  buffer t{i}: {}[{}] ", b.dtype, b.elements)?;
            match &b.source {
                BufferSource::Input(k) => {
                    let input = &p.inputs[*k];
                    let layout = if input.layout == Layout::Contiguous { "contiguous" } else { "strided" };
                    write!(f, "input %{} {layout} [{}]", input.name, dims(&input.ty.shape))?;
                }
                BufferSource::Constant(l) => {
                    f.write_str("constant ")?;
                    literal(f, l)?;
                }
                BufferSource::Temporary => f.write_str("temporary")?,
                BufferSource::Output => f.write_str("output")?,
            }
            self.origin(f, &b.origin)?;
            f.write_str("\n")?;
        }
        self.steps(f, &p.steps, 1)?;
        f.write_str("  return ")?;
        list(f, p.outputs.iter().map(view))?;
        f.write_str("\n}")
    }
}

impl Plan {
    /// The text without the kernels' bodies, for reading.
    pub fn outline(&self) -> String {
        let mut s = String::new();
        Printer { plan: self, locs: false }.plan(&mut s).expect("writing to a string");
        s
    }
}

impl Display for Plan {
    /// The plan, then its kernels. The alternate form (`{:#}`) also writes where the user wrote each op.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Printer { plan: self, locs: f.alternate() }.plan(f)?;
        for k in &self.kernels {
            write!(f, "\n{k}")?;
        }
        Ok(())
    }
}
