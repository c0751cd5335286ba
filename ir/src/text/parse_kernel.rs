//! Kernels from text.

use super::lexer::Token;
use super::parser::{Parsed, Parser};
use crate::dim::{Dim, Symbol};
use crate::dtype::DType;
use crate::error::ParseError;
use crate::kernel::{Access, BufferParam, Fault, Kernel, LoopKind, Mem, Scratch, Stmt, Var};
use crate::prim::{Prim, PrimType, Val};
use crate::verify;
use std::str::FromStr;

/// Numbers of values and variables stay below this, so that a typing error cannot ask for gigabytes.
const MAX_NUMBER: u32 = 1 << 20;

/// A kernel under construction; types become known as values are defined.
struct Reader {
    kernel: Kernel,
    defined: Vec<bool>,
    initialized: Vec<bool>,
}

/// `b0` or `s1` or `v2`: the number after a letter.
fn numbered(s: &str, letter: char) -> Option<u32> {
    let digits = s.strip_prefix(letter)?;
    let plain = digits.bytes().all(|b| b.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    digits.parse().ok().filter(|n| plain && *n < MAX_NUMBER)
}

impl Reader {
    fn use_val(&self, p: &mut Parser<'_>) -> Parsed<Val> {
        let Token::Percent(s) = p.token() else { return p.expected("a value") };
        match s.parse::<u32>() {
            Ok(n) if self.defined.get(n as usize) == Some(&true) => {
                p.advance()?;
                Ok(Val(n))
            }
            _ => p.fail(format!("`%{s}` is not defined")),
        }
    }

    /// The number of a value about to be defined.
    fn new_val(&mut self, p: &mut Parser<'_>) -> Parsed<Val> {
        let Token::Percent(s) = p.token() else { return p.expected("a value") };
        let n = match s.parse::<u32>() {
            Ok(n) if n < MAX_NUMBER => n,
            _ => {
                return p.fail(format!("`%{s}` cannot name a value: values have numbers below {MAX_NUMBER}"));
            }
        };
        if self.defined.get(n as usize) == Some(&true) {
            return p.fail(format!("`%{s}` is defined twice"));
        }
        p.advance()?;
        Ok(Val(n))
    }

    fn define(&mut self, v: Val, ty: DType) {
        let n = v.0 as usize;
        if self.kernel.vals.len() <= n {
            // Numbers that no statement defines have no meaning; their type is never looked at.
            self.kernel.vals.resize(n + 1, DType::Bool);
            self.defined.resize(n + 1, false);
        }
        self.kernel.vals[n] = ty;
        self.defined[n] = true;
    }

    fn mem(&self, p: &mut Parser<'_>) -> Parsed<Mem> {
        let at = p.at();
        let name = p.name("a buffer or scratch array")?;
        let buffer = numbered(name, 'b').filter(|k| (*k as usize) < self.kernel.buffers.len());
        let scratch = numbered(name, 's').filter(|k| (*k as usize) < self.kernel.scratch.len());
        match (buffer, scratch) {
            (Some(k), _) => Ok(Mem::Buffer(k)),
            (_, Some(k)) => Ok(Mem::Scratch(k)),
            _ => p.fail_at(at, format!("`{name}` is not a buffer or scratch array of this kernel")),
        }
    }

    fn place(&self, p: &mut Parser<'_>) -> Parsed<(Mem, Vec<Dim>)> {
        Ok((self.mem(p)?, p.list("[", "]", |p| p.dim())?))
    }

    /// A place with one index.
    fn tile(&self, p: &mut Parser<'_>) -> Parsed<(Mem, Dim)> {
        let mem = self.mem(p)?;
        p.expect("[")?;
        let at = p.dim()?;
        p.expect("]")?;
        Ok((mem, at))
    }

    fn dtype_of(&self, mem: Mem) -> DType {
        match mem {
            Mem::Buffer(k) => self.kernel.buffers[k as usize].dtype,
            Mem::Scratch(k) => self.kernel.scratch[k as usize].dtype,
        }
    }

    fn var(&self, p: &mut Parser<'_>) -> Parsed<Var> {
        let at = p.at();
        let name = p.name("a variable")?;
        match numbered(name, 'v').filter(|k| self.initialized.get(*k as usize) == Some(&true)) {
            Some(k) => Ok(Var(k)),
            None => p.fail_at(at, format!("`{name}` is not a variable that was set up by `var`")),
        }
    }

    /// `%3 = ..`
    fn definition(&mut self, p: &mut Parser<'_>) -> Parsed<Stmt> {
        let dst = self.new_val(p)?;
        p.expect("=")?;
        let at = p.at();
        let word = p.name("an instruction")?;
        let stmt = match word {
            "const" => {
                let value = p.scalar()?;
                self.define(dst, value.dtype());
                Stmt::Const { dst, value }
            }
            "index" => {
                let dim = p.dim()?;
                self.define(dst, DType::I64);
                Stmt::Index { dst, dim }
            }
            "load" => {
                let (mem, index) = self.place(p)?;
                self.define(dst, self.dtype_of(mem));
                Stmt::Load { dst, mem, index }
            }
            "get" => {
                let var = self.var(p)?;
                self.define(dst, self.kernel.vars[var.0 as usize]);
                Stmt::Get { dst, var }
            }
            _ => {
                let Some(op) = Prim::from_name(word) else {
                    return p.fail_at(at, format!("unknown instruction `{word}`"));
                };
                let mut args = vec![self.use_val(p)?];
                while p.eat(",")? {
                    args.push(self.use_val(p)?);
                }
                let to = if op.typing() == PrimType::Convert {
                    p.expect(":")?;
                    Some(p.dtype()?)
                } else {
                    None
                };
                let types: Vec<DType> = args.iter().map(|a| self.kernel.ty(*a)).collect();
                match op.result(&types, to) {
                    Ok(ty) => self.define(dst, ty),
                    Err(why) => return p.fail_at(at, why),
                }
                Stmt::Let { dst, op, args }
            }
        };
        Ok(stmt)
    }

    fn block(&mut self, p: &mut Parser<'_>) -> Parsed<Vec<Stmt>> {
        p.nested(|p| {
            p.expect("{")?;
            let mut stmts = Vec::new();
            while !p.eat("}")? {
                stmts.push(self.stmt(p)?);
            }
            Ok(stmts)
        })
    }

    fn stmt(&mut self, p: &mut Parser<'_>) -> Parsed<Stmt> {
        if matches!(p.token(), Token::Percent(_)) {
            return self.definition(p);
        }
        let at = p.at();
        match p.name("a statement or `}`")? {
            "store" => {
                let (mem, index) = self.place(p)?;
                p.expect(",")?;
                Ok(Stmt::Store { mem, index, src: self.use_val(p)? })
            }
            "var" => {
                let var_at = p.at();
                let name = p.name("a variable")?;
                let Some(k) = numbered(name, 'v') else {
                    return p.fail_at(var_at, format!("`{name}` cannot name a variable: use v0, v1, .."));
                };
                p.expect("=")?;
                let src = self.use_val(p)?;
                let (n, ty) = (k as usize, self.kernel.ty(src));
                if self.initialized.len() <= n {
                    self.initialized.resize(n + 1, false);
                    self.kernel.vars.resize(n + 1, DType::Bool);
                }
                if self.initialized[n] && self.kernel.vars[n] != ty {
                    return p.fail_at(var_at, format!("`{name}` has type {}, not {ty}", self.kernel.vars[n]));
                }
                self.initialized[n] = true;
                self.kernel.vars[n] = ty;
                Ok(Stmt::Init { var: Var(k), src })
            }
            "set" => {
                let var = self.var(p)?;
                p.expect("=")?;
                Ok(Stmt::Set { var, src: self.use_val(p)? })
            }
            "accumulate" => {
                let var = self.var(p)?;
                let op = prim(p)?;
                Ok(Stmt::Accumulate { var, op, src: self.use_val(p)? })
            }
            "while" => {
                let cond = self.block(p)?;
                let test = self.use_val(p)?;
                let body = self.block(p)?;
                Ok(Stmt::While { cond, test, body })
            }
            "if" => {
                let test = self.use_val(p)?;
                let then = self.block(p)?;
                p.expect_word("else")?;
                let otherwise = self.block(p)?;
                Ok(Stmt::If { test, then, otherwise })
            }
            "check" => {
                let test = self.use_val(p)?;
                let at = p.at();
                let name = p.name("a fault")?;
                match Fault::ALL.iter().find(|f| f.name() == name) {
                    Some(fault) => Ok(Stmt::Check { test, fault: *fault }),
                    None => p.fail_at(at, format!("unknown fault `{name}`")),
                }
            }
            "block" => {
                let dst = self.tile(p)?;
                p.expect("=")?;
                let op = prim(p)?;
                let mut args = vec![self.tile(p)?];
                while p.eat(",")? {
                    args.push(self.tile(p)?);
                }
                p.expect_word("for")?;
                Ok(Stmt::Block { op, dst, args, n: p.dim()? })
            }
            word => {
                let Some(kind) = LoopKind::ALL.iter().find(|k| k.name() == word) else {
                    return p.fail_at(at, format!("unknown statement `{word}`"));
                };
                let index: Symbol = p.name("the name of a loop index")?.into();
                p.expect_word("in")?;
                let lo = p.dim()?;
                p.expect("..")?;
                let hi = p.dim()?;
                Ok(Stmt::For { index, lo, hi, kind: *kind, body: self.block(p)? })
            }
        }
    }
}

fn prim(p: &mut Parser<'_>) -> Parsed<Prim> {
    let at = p.at();
    let name = p.name("a primitive")?;
    match Prim::from_name(name) {
        Some(op) => Ok(op),
        None => p.fail_at(at, format!("unknown primitive `{name}`")),
    }
}

/// The declaration of parameter `letter` `k`: its name must be that.
fn declared(p: &mut Parser<'_>, letter: char, k: usize) -> Parsed<()> {
    let want = format!("{letter}{k}");
    if !p.is_word(&want) {
        return p.expected(&format!("`{want}`"));
    }
    p.advance()?;
    p.expect(":")
}

fn real_dtype(p: &mut Parser<'_>) -> Parsed<DType> {
    let at = p.at();
    let t = p.dtype()?;
    if t.is_complex() {
        return p.fail_at(at, "kernels have real types only; a complex array has a last axis of size 2");
    }
    Ok(t)
}

pub(super) fn kernel(p: &mut Parser<'_>) -> Parsed<Kernel> {
    p.expect_word("kernel")?;
    let name = p.at_name()?;
    let mut k = Kernel {
        name,
        buffers: vec![],
        sizes: vec![],
        scratch: vec![],
        vars: vec![],
        vals: vec![],
        body: vec![],
    };
    p.expect("(")?;
    while !p.is(";") {
        if !k.buffers.is_empty() {
            p.expect(",")?;
        }
        declared(p, 'b', k.buffers.len())?;
        let at = p.at();
        let word = p.name("`read`, `write` or `readwrite`")?;
        let Some(access) = Access::ALL.iter().copied().find(|a| a.name() == word) else {
            return p.fail_at(at, format!("expected `read`, `write` or `readwrite`, found `{word}`"));
        };
        let dtype = real_dtype(p)?;
        p.expect("[")?;
        let rank = p.unsigned::<u8>("a number of axes")? as usize;
        p.expect("]")?;
        let unit = p.eat_word("unit")?;
        k.buffers.push(BufferParam { dtype, rank, access, unit });
    }
    p.expect(";")?;
    while !p.is(")") && !p.is(";") {
        if !k.sizes.is_empty() {
            p.expect(",")?;
        }
        k.sizes.push(p.name("the name of a size")?.into());
    }
    if p.eat(";")? {
        loop {
            declared(p, 's', k.scratch.len())?;
            let dtype = real_dtype(p)?;
            p.expect("[")?;
            let elements = p.dim()?;
            p.expect("]")?;
            k.scratch.push(Scratch { dtype, elements });
            if !p.eat(",")? {
                break;
            }
        }
    }
    p.expect(")")?;
    let mut reader = Reader { kernel: k, defined: vec![], initialized: vec![] };
    let body = reader.block(p)?;
    reader.kernel.body = body;
    Ok(reader.kernel)
}

/// [`kernel`], verified; an error of the verifier stands at the kernel's first line.
pub(super) fn verified_kernel(p: &mut Parser<'_>) -> Parsed<Kernel> {
    let at = p.at();
    let k = kernel(p)?;
    match verify::kernel(&k) {
        Ok(()) => Ok(k),
        Err(e) => p.fail_at(at, e.to_string()),
    }
}

impl FromStr for Kernel {
    type Err = ParseError;

    /// Reads a kernel as `Display` writes it, and verifies it.
    fn from_str(s: &str) -> Result<Kernel, ParseError> {
        Parser::whole(s, verified_kernel)
    }
}
