//! Text to tokens.

use super::{ParseError, Range};
use crate::value::{Quantity, Value};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A number, with or without a unit.
    Number(Value),
    Text(String),
    /// A name or a word of the language.
    Word(String),
    Symbol(&'static str),
    End,
    /// What follows cannot be read; reported when the parser comes to it, since a mistake before it is told first.
    Wrong(Box<ParseError>),
}

/// Two characters before one, so that the longer is tried first.
const SYMBOLS: [&str; 16] = [
    "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "(", ")", "[", "]", ",", ".",
];

/// What other languages write, and what is written here.
const FOREIGN: [(&str, &str); 14] = [
    ("&&", "write `and`"),
    ("||", "write `or`"),
    ("=~", "write `matches`"),
    ("=", "write `==` to compare"),
    ("!", "write `not`"),
    ("&", "write `and`"),
    ("|", "write `or`, or call a function: `x.len()`"),
    ("${{", "this is an expression already: leave `${{` and `}}` out"),
    ("$", "names stand alone: `inputs.x`"),
    (
        "?",
        "there is no conditional: use `default(x, y)`, or two checks with `if`",
    ),
    ("{", "there are no maps in expressions"),
    ("%", "a percentage is a number with `%` directly after it: `1%`"),
    ("\u{201c}", "use straight quotes: \""),
    ("\u{201d}", "use straight quotes: \""),
];

/// The tokens of a text; the last is [`Token::End`] or [`Token::Wrong`].
pub(super) fn tokens(text: &str) -> Vec<(Token, Range)> {
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_space();
        let start = lexer.at;
        let token = lexer.next().unwrap_or_else(|error| Token::Wrong(Box::new(error)));
        let last = matches!(token, Token::End | Token::Wrong(_));
        tokens.push((token, Range { start, end: lexer.at }));
        if last {
            return tokens;
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn next(&mut self) -> Result<Token, ParseError> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            return Ok(Token::End);
        };
        if starts_name(first) {
            let word: String = rest.chars().take_while(|c| continues_name(*c)).collect();
            self.at += word.len();
            return Ok(Token::Word(word));
        }
        if first.is_ascii_digit() {
            return self.number();
        }
        match first {
            '"' => return self.escaped_text(),
            '\'' => return self.raw_text(),
            _ => {}
        }
        if let Some((sign, cure)) = FOREIGN.iter().find(|(sign, _)| rest.starts_with(sign))
            && !SYMBOLS
                .iter()
                .any(|s| s.len() > sign.len() && rest.starts_with(s))
            && !rest.starts_with("==")
        {
            return Err(self.wrong(
                sign.len(),
                format!("`{sign}` is not part of the language"),
                Some(cure),
            ));
        }
        if let Some(symbol) = SYMBOLS.iter().find(|s| rest.starts_with(**s)) {
            self.at += symbol.len();
            return Ok(Token::Symbol(symbol));
        }
        let shown: String = first.escape_debug().collect();
        Err(self.wrong(
            first.len_utf8(),
            format!("`{shown}` is not part of the language"),
            None,
        ))
    }

    /// `3`, `0.5`, `1e-6`, `200ms`, `1m30s`, `1%`, `5/s`, `16MiB/s`, `0.40USD`.
    fn number(&mut self) -> Result<Token, ParseError> {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
        let fraction = |from: usize| match bytes.get(from) {
            Some(b'.') if digits(from + 1) > 0 => 1 + digits(from + 1),
            _ => 0,
        };
        let whole = digits(0);
        let mut end = whole + fraction(whole);
        let is_whole = end == whole;
        if let Some(length) = exponent(&rest[end..]) {
            return self.float(end + length);
        }
        // A unit, and for `1m30s` further numbers and units.
        loop {
            let unit: usize = rest[end..]
                .chars()
                .take_while(|c| c.is_alphabetic() || *c == '%')
                .map(char::len_utf8)
                .sum();
            end += unit;
            let more = if unit > 0 { digits(end) } else { 0 };
            if more == 0 {
                break;
            }
            end += more + fraction(end + more);
        }
        end += per(&rest[end..]);
        let number = &rest[..end];
        if number.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            if is_whole {
                return match number.parse() {
                    Ok(value) => {
                        self.at += end;
                        Ok(Token::Number(Value::Int(value)))
                    }
                    Err(_) => {
                        Err(self.wrong(end, format!("`{number}` is too large for a whole number"), None))
                    }
                };
            }
            return self.float(end);
        }
        match number.parse::<Quantity>() {
            Ok(quantity) => {
                self.at += end;
                Ok(Token::Number(Value::Quantity(quantity)))
            }
            Err(error) => Err(self.wrong(end, error.to_string(), None)),
        }
    }

    fn float(&mut self, length: usize) -> Result<Token, ParseError> {
        let number = &self.rest()[..length];
        match number.parse::<f64>() {
            Ok(value) if value.is_finite() => {
                self.at += length;
                Ok(Token::Number(Value::Float(value)))
            }
            _ => Err(self.wrong(length, format!("`{number}` is too large"), None)),
        }
    }

    /// Text between `"`, with the escapes of JSON.
    fn escaped_text(&mut self) -> Result<Token, ParseError> {
        let rest = self.rest();
        let mut end = 1;
        loop {
            match rest.as_bytes().get(end) {
                None => return Err(self.wrong(rest.len(), "the text has no closing `\"`".to_owned(), None)),
                Some(b'"') => break,
                Some(b'\\') if end + 1 < rest.len() => {
                    end += 1 + rest[end + 1..].chars().next().map_or(0, char::len_utf8);
                }
                Some(_) => end += 1,
            }
        }
        let literal = &rest[..=end];
        // JSON allows no raw control characters; a text that spans lines in YAML may hold them.
        let escaped = literal
            .replace('\n', "\\n")
            .replace('\r', "\\r")
            .replace('\t', "\\t");
        match serde_json::from_str::<String>(&escaped) {
            Ok(text) => {
                self.at += end + 1;
                Ok(Token::Text(text))
            }
            Err(_) => Err(self.wrong(
                end + 1,
                "the text holds an unknown escape".to_owned(),
                Some("known are \\\" \\\\ \\/ \\n \\r \\t \\b \\f \\uXXXX; between single quotes nothing is escaped: '\\d+'"),
            )),
        }
    }

    /// Text between `'`, as it stands.
    fn raw_text(&mut self) -> Result<Token, ParseError> {
        let rest = self.rest();
        match rest[1..].find('\'') {
            Some(length) => {
                let text = rest[1..=length].to_owned();
                self.at += length + 2;
                Ok(Token::Text(text))
            }
            None => Err(self.wrong(rest.len(), "the text has no closing `'`".to_owned(), None)),
        }
    }

    fn wrong(&self, length: usize, message: String, help: Option<&str>) -> ParseError {
        ParseError {
            message,
            at: Range {
                start: self.at,
                end: self.at + length,
            },
            help: help.map(str::to_owned),
        }
    }
}

fn starts_name(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

fn continues_name(c: char) -> bool {
    starts_name(c) || c.is_ascii_digit()
}

/// The length of an exponent: `e6`, `e-6`.
fn exponent(rest: &str) -> Option<usize> {
    let digits = rest.strip_prefix('e')?;
    let signed = digits.strip_prefix(['+', '-']).unwrap_or(digits);
    let count = signed.bytes().take_while(u8::is_ascii_digit).count();
    let after = signed[count..].chars().next();
    (count > 0 && !after.is_some_and(continues_name)).then_some(rest.len() - signed.len() + count)
}

/// The length of `/s`, `/m` or `/h`, when it is a unit and not a division by a name.
fn per(rest: &str) -> usize {
    let mut chars = rest.chars();
    let unit = chars.next() == Some('/') && matches!(chars.next(), Some('s' | 'm' | 'h'));
    let goes_on = chars
        .next()
        .is_some_and(|c| continues_name(c) || matches!(c, '.' | '(' | '['));
    if unit && !goes_on { 2 } else { 0 }
}
