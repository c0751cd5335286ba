//! Text to tokens, with positions.

use crate::error::ParseError;

/// A token; names borrow from the text.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Token<'a> {
    /// A name or keyword. A dot inside a name is part of it (`x0.s1`), two dots are not (`0..n`).
    Name(&'a str),
    /// `%name`, `%3` or `%3.1`, without the sign.
    Percent(&'a str),
    /// `@name`, without the sign.
    At(&'a str),
    /// `@"any text"`, with its escapes.
    AtString(&'a str),
    /// A number as written: digits, `0x..`, or a float.
    Number(&'a str),
    /// A quoted string, with its escapes, without the quotes.
    String(&'a str),
    /// `x"00ff"`, the digits.
    Hex(&'a str),
    /// One of `( ) { } [ ] , ; : = + - * ->  ..`.
    Sign(&'static str),
    /// The end of the text.
    End,
}

const SIGNS: [&str; 15] = ["->", "..", "(", ")", "{", "}", "[", "]", ",", ";", ":", "=", "+", "-", "*"];

/// Splits text into tokens. `//` starts a comment that ends with the line.
#[derive(Clone)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    /// Byte position of the next character.
    at: usize,
}

/// Line and column, from 1, of a byte position.
pub(crate) fn position(text: &str, at: usize) -> (u32, u32) {
    let before = &text[..at.min(text.len())];
    let line = before.bytes().filter(|b| *b == b'\n').count() as u32 + 1;
    let start = before.rfind('\n').map_or(0, |p| p + 1);
    (line, before[start..].chars().count() as u32 + 1)
}

/// An error at a byte position.
pub(crate) fn error_at(text: &str, at: usize, what: impl Into<String>) -> ParseError {
    let (line, column) = position(text, at);
    ParseError { line, column, what: what.into() }
}

/// True for a character that may stand in a name.
pub(crate) fn is_name_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Lexer<'a> {
        Lexer { text, at: 0 }
    }

    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_blank(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            if !trimmed.starts_with("//") {
                return;
            }
            self.at += trimmed.find('\n').unwrap_or(trimmed.len());
        }
    }

    /// Takes characters while they fit.
    fn take(&mut self, fits: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let n = rest.find(|c| !fits(c)).unwrap_or(rest.len());
        self.at += n;
        &rest[..n]
    }

    /// The character `n` characters ahead.
    fn ahead(&self, n: usize) -> Option<char> {
        self.rest().chars().nth(n)
    }

    fn name(&mut self) -> &'a str {
        let start = self.at;
        self.take(is_name_char);
        while self.ahead(0) == Some('.') && self.ahead(1).is_some_and(is_name_char) {
            self.at += 1;
            self.take(is_name_char);
        }
        &self.text[start..self.at]
    }

    /// A quoted string; the opening quote is next.
    fn string(&mut self) -> Result<&'a str, ParseError> {
        let open = self.at;
        self.at += 1;
        let start = self.at;
        let mut escaped = false;
        for (i, c) in self.rest().char_indices() {
            match c {
                '"' if !escaped => {
                    let s = &self.text[start..start + i];
                    self.at = start + i + 1;
                    return Ok(s);
                }
                '\n' => break,
                _ => escaped = c == '\\' && !escaped,
            }
        }
        Err(error_at(self.text, open, "this string is not closed"))
    }

    fn number(&mut self) -> &'a str {
        let start = self.at;
        if self.rest().starts_with("0x") {
            self.at += 2;
            self.take(|c| c.is_ascii_hexdigit());
            return &self.text[start..self.at];
        }
        self.take(|c| c.is_ascii_digit());
        if self.ahead(0) == Some('.') && self.ahead(1).is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
            self.take(|c| c.is_ascii_digit());
        }
        if matches!(self.ahead(0), Some('e' | 'E')) {
            let sign = usize::from(matches!(self.ahead(1), Some('+' | '-')));
            if self.ahead(1 + sign).is_some_and(|c| c.is_ascii_digit()) {
                self.at += 1 + sign;
                self.take(|c| c.is_ascii_digit());
            }
        }
        &self.text[start..self.at]
    }

    /// The next token and where it begins.
    pub(super) fn next(&mut self) -> Result<(usize, Token<'a>), ParseError> {
        self.skip_blank();
        let at = self.at;
        let rest = self.rest();
        let Some(c) = rest.chars().next() else { return Ok((at, Token::End)) };
        let token = match c {
            '%' | '@' => {
                self.at += 1;
                if c == '@' && self.ahead(0) == Some('"') {
                    return Ok((at, Token::AtString(self.string()?)));
                }
                let name = self.name();
                if name.is_empty() {
                    return Err(error_at(self.text, at, format!("expected a name after `{c}`")));
                }
                if c == '%' { Token::Percent(name) } else { Token::At(name) }
            }
            '"' => Token::String(self.string()?),
            'x' if rest.starts_with("x\"") => {
                self.at += 1;
                Token::Hex(self.string()?)
            }
            c if c.is_ascii_digit() => Token::Number(self.number()),
            c if is_name_char(c) => Token::Name(self.name()),
            _ => match SIGNS.iter().find(|s| rest.starts_with(**s)) {
                Some(s) => {
                    self.at += s.len();
                    Token::Sign(s)
                }
                None => return Err(error_at(self.text, at, format!("unexpected character `{c}`"))),
            },
        };
        Ok((at, token))
    }
}

impl std::fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Token::Name(s) | Token::Number(s) => write!(f, "`{s}`"),
            Token::Percent(s) => write!(f, "`%{s}`"),
            Token::At(s) => write!(f, "`@{s}`"),
            Token::AtString(s) => write!(f, "`@\"{s}\"`"),
            Token::String(s) => write!(f, "`\"{s}\"`"),
            Token::Hex(_) => f.write_str("hexadecimal data"),
            Token::Sign(s) => write!(f, "`{s}`"),
            Token::End => f.write_str("the end of the text"),
        }
    }
}
