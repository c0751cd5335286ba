//! Plans from text: the plan, then the kernels that it launches.

use super::lexer::Token;
use super::parse_graph::{attributes, is_identifier, literal, op};
use super::parse_kernel::verified_kernel;
use super::parser::{Parsed, Parser};
use crate::dim::Symbol;
use crate::error::ParseError;
use crate::graph::TensorType;
use crate::kernel::Kernel;
use crate::ops::Op;
use crate::plan::{
    Buffer, BufferId, BufferSource, Launch, Layout, LibraryCall, Origin, Plan, PlanInput, Step, View,
};
use crate::verify;
use std::str::FromStr;
use std::sync::Arc;

/// Launches name kernels that stand further down: names first, positions at the end.
struct Reader {
    buffers: usize,
    /// Kernel names in order of first launch, with the place of that launch.
    kernels: Vec<(String, usize)>,
}

/// `t3`
fn buffer_name(p: &mut Parser<'_>, buffers: usize) -> Parsed<BufferId> {
    let at = p.at();
    let name = p.name("a buffer")?;
    let number = name.strip_prefix('t').and_then(|n| n.parse::<u32>().ok());
    match number.filter(|n| (*n as usize) < buffers && format!("t{n}") == name) {
        Some(n) => Ok(BufferId(n)),
        None => p.fail_at(at, format!("`{name}` is not a buffer of this plan")),
    }
}

/// `for op loc ..`
fn origin(p: &mut Parser<'_>) -> Parsed<Origin> {
    p.expect_word("for")?;
    let op = if p.eat_word("input")? { Op::Input } else { op(p)? };
    Ok(Origin { op, loc: p.loc()? })
}

impl Reader {
    /// `t0[offset; shape; strides]`
    fn view(&self, p: &mut Parser<'_>) -> Parsed<View> {
        let buffer = buffer_name(p, self.buffers)?;
        p.expect("[")?;
        let offset = p.dim()?;
        let mut lists = [vec![], vec![]];
        for (list, end) in lists.iter_mut().zip([";", "]"]) {
            p.expect(";")?;
            while !p.is(end) {
                if !list.is_empty() {
                    p.expect(",")?;
                }
                list.push(p.dim()?);
            }
        }
        let at = p.at();
        p.expect("]")?;
        let [shape, strides] = lists;
        if shape.len() != strides.len() {
            return p.fail_at(at, format!("{} sizes but {} strides", shape.len(), strides.len()));
        }
        Ok(View { buffer, offset, shape, strides })
    }

    fn launch(&mut self, p: &mut Parser<'_>) -> Parsed<Step> {
        let at = p.at();
        let name = p.at_name()?;
        let kernel = self.kernels.iter().position(|(k, _)| *k == name).unwrap_or_else(|| {
            self.kernels.push((name, at));
            self.kernels.len() - 1
        });
        let args = p.list("(", ")", |p| self.view(p))?;
        p.expect_word("sizes")?;
        let sizes = p.list("(", ")", |p| p.dim())?;
        p.expect_word("over")?;
        let parallel = p.dim()?;
        p.expect_word("cost")?;
        let cost = p.dim()?;
        Ok(Step::Launch(Launch { kernel, args, sizes, parallel, cost, origin: origin(p)? }))
    }

    fn steps(&mut self, p: &mut Parser<'_>) -> Parsed<Vec<Step>> {
        p.nested(|p| {
            p.expect("{")?;
            let mut steps = Vec::new();
            while !p.eat("}")? {
                steps.push(self.step(p)?);
            }
            Ok(steps)
        })
    }

    fn step(&mut self, p: &mut Parser<'_>) -> Parsed<Step> {
        let Token::Name(word) = p.token() else { return p.expected("a step") };
        match word {
            "alloc" => {
                p.advance()?;
                Ok(Step::Alloc(buffer_name(p, self.buffers)?))
            }
            "free" => {
                p.advance()?;
                Ok(Step::Free(buffer_name(p, self.buffers)?))
            }
            "launch" => {
                p.advance()?;
                self.launch(p)
            }
            "swap" => {
                p.advance()?;
                let a = buffer_name(p, self.buffers)?;
                p.expect(",")?;
                Ok(Step::Swap(a, buffer_name(p, self.buffers)?))
            }
            "for" => {
                p.advance()?;
                let index: Symbol = p.name("the name of a loop index")?.into();
                p.expect_word("in")?;
                let lo = p.dim()?;
                p.expect("..")?;
                let hi = p.dim()?;
                Ok(Step::For { index, lo, hi, body: self.steps(p)? })
            }
            "while" => {
                p.advance()?;
                let cond = self.steps(p)?;
                let test = self.view(p)?;
                Ok(Step::While { cond, test, body: self.steps(p)? })
            }
            "if" => {
                p.advance()?;
                let test = self.view(p)?;
                let then = self.steps(p)?;
                p.expect_word("else")?;
                Ok(Step::If { test, then, otherwise: self.steps(p)? })
            }
            _ => {
                let mut outputs = vec![self.view(p)?];
                while p.eat(",")? {
                    outputs.push(self.view(p)?);
                }
                p.expect("=")?;
                let op = op(p)?;
                let inputs = p.list("(", ")", |p| self.view(p))?;
                let attrs = attributes(p)?;
                Ok(Step::Library(LibraryCall { op, attrs, inputs, outputs, origin: origin(p)? }))
            }
        }
    }
}

/// `buffer t0: f64[n*m] output for sum`, or with `input x contiguous f64[n, m]` in place of `output`.
fn buffer(p: &mut Parser<'_>, inputs: &mut Vec<PlanInput>, number: usize) -> Parsed<Buffer> {
    let want = format!("t{number}");
    if !p.is_word(&want) {
        return p.expected(&format!("`{want}`"));
    }
    p.advance()?;
    p.expect(":")?;
    let dtype = p.dtype()?;
    p.expect("[")?;
    let elements = p.dim()?;
    p.expect("]")?;
    let at = p.at();
    let source = match p.name("where the memory comes from")? {
        "temporary" => BufferSource::Temporary,
        "output" => BufferSource::Output,
        "constant" => BufferSource::Constant(literal(p)?),
        "input" => {
            let Token::Percent(name) = p.token() else { return p.expected("`%` and the name of an input") };
            if !is_identifier(name) || inputs.iter().any(|i| &*i.name == name) {
                return p.fail(format!("`{name}` cannot name an input: it must be an identifier, and new"));
            }
            p.advance()?;
            let layout_at = p.at();
            let layout = match p.name("`contiguous` or `strided`")? {
                "contiguous" => Layout::Contiguous,
                "strided" => Layout::Strided,
                other => return p.fail_at(layout_at, format!("unknown layout `{other}`")),
            };
            let shape = p.list("[", "]", |p| p.dim())?;
            let ty = TensorType { dtype, shape };
            inputs.push(PlanInput { name: name.into(), ty, layout, buffer: BufferId(number as u32) });
            BufferSource::Input(inputs.len() - 1)
        }
        other => {
            return p.fail_at(
                at,
                format!("expected `input`, `constant`, `temporary` or `output`, found `{other}`"),
            );
        }
    };
    Ok(Buffer { dtype, elements, source, origin: origin(p)? })
}

fn plan(p: &mut Parser<'_>) -> Parsed<Plan> {
    let start = p.at();
    p.expect_word("plan")?;
    let name: Arc<str> = p.at_name()?.into();
    p.expect("{")?;
    let (mut inputs, mut buffers) = (Vec::new(), Vec::new());
    while p.eat_word("buffer")? {
        buffers.push(buffer(p, &mut inputs, buffers.len())?);
    }
    let mut reader = Reader { buffers: buffers.len(), kernels: vec![] };
    let mut steps = Vec::new();
    while !p.is_word("return") {
        steps.push(reader.step(p)?);
    }
    p.advance()?;
    let mut outputs = Vec::new();
    if !p.is("}") {
        outputs.push(reader.view(p)?);
        while p.eat(",")? {
            outputs.push(reader.view(p)?);
        }
    }
    p.expect("}")?;
    let mut found: Vec<Option<Arc<Kernel>>> = vec![None; reader.kernels.len()];
    while p.is_word("kernel") {
        let at = p.at();
        let k = verified_kernel(p)?;
        match reader.kernels.iter().position(|(name, _)| *name == k.name) {
            Some(i) if found[i].is_none() => found[i] = Some(Arc::new(k)),
            Some(_) => return p.fail_at(at, format!("kernel `@{}` is defined twice", k.name)),
            None => return p.fail_at(at, format!("no step launches kernel `@{}`", k.name)),
        }
    }
    let mut kernels = Vec::with_capacity(found.len());
    for (k, (name, at)) in found.into_iter().zip(&reader.kernels) {
        match k {
            Some(k) => kernels.push(k),
            None => return p.fail_at(*at, format!("kernel `@{name}` is not defined")),
        }
    }
    let plan = Plan { name, inputs, buffers, kernels, steps, outputs };
    match verify::plan(&plan) {
        Ok(()) => Ok(plan),
        Err(e) => p.fail_at(start, e.to_string()),
    }
}

impl FromStr for Plan {
    type Err = ParseError;

    /// Reads a plan and its kernels as `Display` writes them, and verifies them.
    fn from_str(s: &str) -> Result<Plan, ParseError> {
        Parser::whole(s, plan)
    }
}
