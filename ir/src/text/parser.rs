//! What the parsers of all levels share: a cursor over tokens, names, expressions, types, scalars.

use super::lexer::{Lexer, Token, error_at};
use crate::dim::Dim;
use crate::dtype::{DType, Scalar};
use crate::error::ParseError;
use crate::graph::TensorType;
use crate::loc::Loc;

pub(super) type Parsed<T> = Result<T, ParseError>;

/// Deepest nesting of regions, blocks and calls in expressions.
const MAX_DEPTH: u32 = 64;
/// Most terms of a size expression.
const MAX_TERMS: usize = 4096;

/// A cursor with one token of lookahead.
#[derive(Clone)]
pub(super) struct Parser<'a> {
    lexer: Lexer<'a>,
    /// Where `token` begins.
    at: usize,
    token: Token<'a>,
    depth: u32,
}

/// Undoes the escapes of a quoted string (those of Rust's `{:?}`).
fn unescape(s: &str) -> Option<String> {
    let mut out = String::with_capacity(s.len());
    let mut chars = s.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        out.push(match chars.next()? {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            '0' => '\0',
            c @ ('\\' | '"' | '\'') => c,
            'u' => {
                let code = chars.as_str().strip_prefix('{')?;
                let (digits, rest) = code.split_once('}')?;
                chars = rest.chars();
                char::from_u32(u32::from_str_radix(digits, 16).ok()?)?
            }
            _ => return None,
        });
    }
    Some(out)
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str) -> Parsed<Parser<'a>> {
        let mut p = Parser { lexer: Lexer::new(text), at: 0, token: Token::End, depth: 0 };
        p.advance()?;
        Ok(p)
    }

    /// Parses a whole text with one rule.
    pub(super) fn whole<T>(text: &'a str, rule: impl FnOnce(&mut Parser<'a>) -> Parsed<T>) -> Parsed<T> {
        let mut p = Parser::new(text)?;
        let value = rule(&mut p)?;
        match p.token {
            Token::End => Ok(value),
            t => p.fail(format!("expected the end of the text, found {t}")),
        }
    }

    pub(super) fn token(&self) -> Token<'a> {
        self.token
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn advance(&mut self) -> Parsed<Token<'a>> {
        let old = self.token;
        (self.at, self.token) = self.lexer.next()?;
        Ok(old)
    }

    pub(super) fn fail<T>(&self, what: impl Into<String>) -> Parsed<T> {
        self.fail_at(self.at, what)
    }

    pub(super) fn fail_at<T>(&self, at: usize, what: impl Into<String>) -> Parsed<T> {
        Err(error_at(self.lexer.text(), at, what))
    }

    pub(super) fn expected<T>(&self, what: &str) -> Parsed<T> {
        self.fail(format!("expected {what}, found {}", self.token))
    }

    /// Runs a rule one level deeper.
    pub(super) fn nested<T>(&mut self, rule: impl FnOnce(&mut Parser<'a>) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_DEPTH {
            return self.fail(format!("nested more than {MAX_DEPTH} deep"));
        }
        self.depth += 1;
        let r = rule(self);
        self.depth -= 1;
        r
    }

    pub(super) fn is(&self, sign: &str) -> bool {
        matches!(self.token, Token::Sign(s) if s == sign)
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(self.token, Token::Name(s) if s == word)
    }

    /// Takes a sign if it is next.
    pub(super) fn eat(&mut self, sign: &str) -> Parsed<bool> {
        let found = self.is(sign);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    pub(super) fn eat_word(&mut self, word: &str) -> Parsed<bool> {
        let found = self.is_word(word);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    pub(super) fn expect(&mut self, sign: &str) -> Parsed<()> {
        if self.eat(sign)? { Ok(()) } else { self.expected(&format!("`{sign}`")) }
    }

    pub(super) fn expect_word(&mut self, word: &str) -> Parsed<()> {
        if self.eat_word(word)? { Ok(()) } else { self.expected(&format!("`{word}`")) }
    }

    pub(super) fn name(&mut self, what: &str) -> Parsed<&'a str> {
        match self.token {
            Token::Name(s) => {
                self.advance()?;
                Ok(s)
            }
            _ => self.expected(what),
        }
    }

    /// `@name` or `@"any text"`.
    pub(super) fn at_name(&mut self) -> Parsed<String> {
        match self.token {
            Token::At(s) => {
                self.advance()?;
                Ok(s.into())
            }
            Token::AtString(s) => {
                let Some(name) = unescape(s) else { return self.fail("unknown escape in this name") };
                self.advance()?;
                Ok(name)
            }
            _ => self.expected("`@` and a name"),
        }
    }

    pub(super) fn string(&mut self) -> Parsed<String> {
        let Token::String(s) = self.token else { return self.expected("a string") };
        let Some(s) = unescape(s) else { return self.fail("unknown escape in this string") };
        self.advance()?;
        Ok(s)
    }

    /// Items between the next sign, which must be `open`, and `close`, separated by commas.
    pub(super) fn list<T>(
        &mut self,
        open: &str,
        close: &str,
        mut item: impl FnMut(&mut Parser<'a>) -> Parsed<T>,
    ) -> Parsed<Vec<T>> {
        self.expect(open)?;
        let mut items = Vec::new();
        if self.eat(close)? {
            return Ok(items);
        }
        loop {
            items.push(item(self)?);
            if self.eat(close)? {
                return Ok(items);
            }
            if !self.eat(",")? {
                return self.expected(&format!("`,` or `{close}`"));
            }
        }
    }

    /// An unsigned number that fits the type.
    pub(super) fn unsigned<T: TryFrom<u64>>(&mut self, what: &str) -> Parsed<T> {
        let Token::Number(s) = self.token else { return self.expected(what) };
        let Some(v) = s.parse::<u64>().ok().and_then(|v| T::try_from(v).ok()) else {
            return self.fail(format!("`{s}` is not {what}"));
        };
        self.advance()?;
        Ok(v)
    }

    pub(super) fn int(&mut self) -> Parsed<i64> {
        let at = self.at;
        let minus = self.eat("-")?;
        let Token::Number(s) = self.token else { return self.expected("an integer") };
        let v = s.parse::<i128>().ok().map(|v| if minus { -v } else { v });
        let Some(v) = v.and_then(|v| i64::try_from(v).ok()) else {
            return self.fail_at(at, format!("`{s}` is not a 64-bit integer"));
        };
        self.advance()?;
        Ok(v)
    }

    pub(super) fn boolean(&mut self) -> Parsed<bool> {
        if self.eat_word("true")? {
            Ok(true)
        } else if self.eat_word("false")? {
            Ok(false)
        } else {
            self.expected("`true` or `false`")
        }
    }

    pub(super) fn dtype(&mut self) -> Parsed<DType> {
        let at = self.at;
        let name = self.name("an element type")?;
        match DType::from_name(name) {
            Some(t) => Ok(t),
            None => self.fail_at(at, format!("unknown element type `{name}`")),
        }
    }

    /// `f64[1000, n]`.
    pub(super) fn tensor_type(&mut self) -> Parsed<TensorType> {
        let dtype = self.dtype()?;
        let shape = self.list("[", "]", |p| p.dim())?;
        Ok(TensorType { dtype, shape })
    }

    /// A size expression: terms joined by `+` and `-`, factors by `*`.
    pub(super) fn dim(&mut self) -> Parsed<Dim> {
        self.nested(|p| {
            let minus = p.eat("-")?;
            let mut sum = p.term(minus)?;
            loop {
                let minus = p.is("-");
                if !minus && !p.is("+") {
                    return Ok(sum);
                }
                p.advance()?;
                sum = sum + p.term(minus)?;
                p.check_size(&sum)?;
            }
        })
    }

    fn check_size(&self, d: &Dim) -> Parsed<()> {
        if d.terms().0.len() > MAX_TERMS {
            return self.fail(format!("an expression of more than {MAX_TERMS} terms"));
        }
        Ok(())
    }

    /// Factors, negated if a minus stands before them.
    fn term(&mut self, minus: bool) -> Parsed<Dim> {
        const LEAST: &str = "9223372036854775808";
        let mut product = match self.token {
            // The least integer is not the negation of a 64-bit integer.
            Token::Number(LEAST) if minus => {
                self.advance()?;
                Dim::constant(i64::MIN)
            }
            _ if minus => -self.factor()?,
            _ => self.factor()?,
        };
        while self.eat("*")? {
            product = product * self.factor()?;
            self.check_size(&product)?;
        }
        Ok(product)
    }

    fn factor(&mut self) -> Parsed<Dim> {
        let at = self.at;
        match self.advance()? {
            Token::Number(s) => match s.parse::<i64>() {
                Ok(v) => Ok(Dim::constant(v)),
                Err(_) => self.fail_at(at, format!("`{s}` is not a 64-bit integer")),
            },
            Token::Percent(s) => match s.parse::<u32>() {
                Ok(v) => Ok(Dim::symbol(&format!("%{v}"))),
                Err(_) => self.fail_at(at, format!("`%{s}` is not a value of a kernel")),
            },
            Token::Name(f) if self.is("(") => {
                self.advance()?;
                let a = self.dim()?;
                self.expect(",")?;
                let b = self.dim()?;
                self.expect(")")?;
                match f {
                    "floordiv" => Ok(a.floor_div(&b)),
                    "mod" => Ok(a.modulo(&b)),
                    "min" => Ok(a.minimum(&b)),
                    "max" => Ok(a.maximum(&b)),
                    _ => self.fail_at(at, format!("unknown function `{f}`; known: floordiv, mod, min, max")),
                }
            }
            Token::Name(s) => Ok(Dim::symbol(s)),
            t => self.fail_at(at, format!("expected a size, found {t}")),
        }
    }

    /// A number of a known type, as [`Scalar`]'s `Display` writes it.
    pub(super) fn scalar_of(&mut self, dtype: DType) -> Parsed<Scalar> {
        if dtype == DType::Bool {
            return Ok(Scalar::bool(self.boolean()?));
        }
        let at = self.at;
        if let Some((lo, hi)) = dtype.int_range() {
            let minus = self.eat("-")?;
            let Token::Number(s) = self.token else { return self.expected("an integer") };
            let v = s.parse::<i128>().ok().map(|v| if minus { -v } else { v });
            let Some(v) = v.filter(|v| *v >= lo && *v <= hi) else {
                return self.fail_at(at, format!("`{s}` is out of range for {dtype}"));
            };
            self.advance()?;
            return Ok(if v < 0 {
                Scalar::from_i64(dtype, v as i64)
            } else {
                Scalar::from_u64(dtype, v as u64)
            });
        }
        if dtype.is_complex() {
            self.expect("(")?;
            let re = self.float_bits(dtype.real())?;
            self.expect(",")?;
            let im = self.float_bits(dtype.real())?;
            self.expect(")")?;
            return Ok(Scalar::from_bits(dtype, [re, im]));
        }
        let bits = self.float_bits(dtype)?;
        Ok(Scalar::from_bits(dtype, [bits, 0]))
    }

    fn float_bits(&mut self, dtype: DType) -> Parsed<u64> {
        let single = dtype == DType::F32;
        let minus = self.eat("-")?;
        let bits = |v: f64| if single { (v as f32).to_bits() as u64 } else { v.to_bits() };
        let sign = if single { 1u64 << 31 } else { 1 << 63 };
        let magnitude = match self.token {
            Token::Name("inf") => bits(f64::INFINITY),
            Token::Name("nan") => {
                self.advance()?;
                if !self.eat("(")? {
                    let usual = if single { f32::NAN.to_bits() as u64 } else { f64::NAN.to_bits() };
                    return Ok(if minus { usual ^ sign } else { usual });
                }
                let Token::Number(s) = self.token else { return self.expected("the bits of a NaN") };
                let v = s.strip_prefix("0x").and_then(|s| u64::from_str_radix(s, 16).ok());
                let is_nan = |v: u64| {
                    if single {
                        v >> 32 == 0 && f32::from_bits(v as u32).is_nan()
                    } else {
                        f64::from_bits(v).is_nan()
                    }
                };
                let Some(v) = v.filter(|v| is_nan(*v)) else {
                    return self.fail(format!("`{s}` is not the bits of a NaN of type {dtype}"));
                };
                self.advance()?;
                self.expect(")")?;
                return Ok(v);
            }
            Token::Number(s) => {
                // Parsed in its own width: rounding twice would change the last bit.
                let v = if single {
                    s.parse::<f32>().map(|v| v.to_bits() as u64).ok()
                } else {
                    s.parse::<f64>().map(f64::to_bits).ok()
                };
                match v {
                    Some(v) => v,
                    None => return self.fail(format!("`{s}` is not a number")),
                }
            }
            _ => return self.expected("a number"),
        };
        self.advance()?;
        Ok(if minus { magnitude ^ sign } else { magnitude })
    }

    /// `2.0 : f64`. The type stands behind, so the tokens are read twice.
    pub(super) fn scalar(&mut self) -> Parsed<Scalar> {
        let mut ahead = self.clone();
        while !matches!(ahead.token, Token::Sign(":" | "}" | "{" | "=") | Token::End) {
            ahead.advance()?;
        }
        if !ahead.eat(":")? {
            return ahead.expected("`:` and the type of the scalar");
        }
        let dtype = ahead.dtype()?;
        let s = self.scalar_of(dtype)?;
        self.expect(":")?;
        self.dtype()?;
        Ok(s)
    }

    /// `loc "file":3:5` or `loc "file":3:5 in "function"`, if present.
    pub(super) fn loc(&mut self) -> Parsed<Loc> {
        if !self.eat_word("loc")? {
            return Ok(Loc::NONE);
        }
        let file = self.string()?;
        self.expect(":")?;
        let line = self.unsigned("a line number")?;
        self.expect(":")?;
        let column = self.unsigned("a column number")?;
        let function = if self.eat_word("in")? { self.string()? } else { String::new() };
        Ok(Loc::new(file, line, column, function))
    }
}

macro_rules! from_str {
    ($($ty:ty, $rule:ident, $what:literal;)*) => {$(
        impl std::str::FromStr for $ty {
            type Err = ParseError;
            #[doc = concat!("Reads ", $what, " as `Display` writes it.")]
            fn from_str(s: &str) -> Parsed<$ty> {
                Parser::whole(s, |p| p.$rule())
            }
        }
    )*};
}
from_str! {
    Dim, dim, "an expression";
    TensorType, tensor_type, "a type";
}

impl Scalar {
    /// Reads `2.0 : f64`: a value as `Display` writes it, with its type.
    pub fn parse_typed(s: &str) -> Result<Scalar, ParseError> {
        Parser::whole(s, |p| p.scalar())
    }
}
