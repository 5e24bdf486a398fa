//! From a place in a scalar's decoded text back to the file.
//!
//! The scalar is decoded a second time here, keeping for each byte where it came from. Only if the outcome equals
//! the parser's is it believed; otherwise the whole scalar is the answer.

use std::ops::Range;

use crate::source::{Kind, Node, Sources, Span};

/// The byte span in the file of a range of a string scalar's decoded text: exact for plain, quoted (with escapes)
/// and block scalars; the whole scalar when the text came through something that cannot be followed.
#[must_use]
pub fn locate(sources: &Sources, scalar: &Node, range: Range<usize>) -> Span {
    let whole = scalar.defined.unwrap_or(scalar.span);
    let Kind::String(value) = &scalar.kind else {
        return whole;
    };
    let text = sources.text(whole.source);
    let Some(trace) = trace(&text, whole, value) else {
        return whole;
    };
    let start = range.start.min(value.len());
    let end = range.end.clamp(start, value.len());
    let from = trace.start_of(start);
    let to = if end > start { trace.end_of(end - 1) } else { from };
    Span::new(whole.source, from, to)
}

/// Where each byte of a decoded text came from.
struct Trace {
    decoded: String,
    /// For each decoded byte: the bytes of the file it stands for.
    from: Vec<(u32, u32)>,
    /// The place behind the last byte.
    end: usize,
}

impl Trace {
    /// Of a text that begins at `start`.
    fn new(start: usize) -> Self {
        Self {
            decoded: String::new(),
            from: Vec::new(),
            end: start,
        }
    }

    fn push(&mut self, c: char, start: usize, end: usize) {
        self.decoded.push(c);
        let clamp = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        for _ in 0..c.len_utf8() {
            self.from.push((clamp(start), clamp(end)));
        }
        self.end = end;
    }

    fn start_of(&self, at: usize) -> usize {
        self.from.get(at).map_or(self.end, |f| f.0 as usize)
    }

    fn end_of(&self, at: usize) -> usize {
        self.from.get(at).map_or(self.end, |f| f.1 as usize)
    }

    /// Takes back white space that a line break swallows.
    fn trim_end(&mut self, keep: usize) {
        while self.decoded.len() > keep && self.decoded.ends_with([' ', '\t']) {
            self.decoded.pop();
            self.from.pop();
        }
    }
}

fn trace(text: &str, span: Span, value: &str) -> Option<Trace> {
    let (start, end) = (span.start as usize, span.end as usize);
    let raw = text.get(start..end)?;
    let trace = match raw.as_bytes().first() {
        None => return None,
        Some(b'"') => double_quoted(raw.get(1..raw.len() - 1)?, start + 1)?,
        Some(b'\'') => single_quoted(raw.get(1..raw.len() - 1)?, start + 1),
        Some(b'|' | b'>') => block(text, raw, start, value)?,
        Some(_) => plain(raw, start),
    };
    (trace.decoded == value).then_some(trace)
}

/// The characters of a scalar with their offsets; a line break is one `\n` however it is written.
fn chars(raw: &str, base: usize) -> Vec<(usize, char, usize)> {
    let mut out = Vec::with_capacity(raw.len());
    let mut it = raw.char_indices().peekable();
    while let Some((i, c)) = it.next() {
        let mut end = i + c.len_utf8();
        let c = if c == '\r' {
            if it.next_if(|(_, n)| *n == '\n').is_some() {
                end += 1;
            }
            '\n'
        } else {
            c
        };
        out.push((base + i, c, base + end));
    }
    out
}

/// Folds the line break at `i` with the blank lines behind it: one break is a space, more are one break fewer.
/// Returns the index of the next character that counts.
fn fold(chars: &[(usize, char, usize)], mut i: usize, trace: &mut Trace) -> usize {
    let first = chars[i];
    let mut breaks = Vec::new();
    while let Some(&(at, c, end)) = chars.get(i) {
        match c {
            '\n' => breaks.push((at, end)),
            ' ' | '\t' => {}
            _ => break,
        }
        i += 1;
    }
    if breaks.len() == 1 {
        trace.push(' ', first.0, first.2);
    } else {
        for (at, end) in breaks.into_iter().skip(1) {
            trace.push('\n', at, end);
        }
    }
    i
}

fn plain(raw: &str, base: usize) -> Trace {
    let chars = chars(raw, base);
    let mut trace = Trace::new(base);
    let mut i = 0;
    while let Some(&(at, c, end)) = chars.get(i) {
        if c == '\n' {
            trace.trim_end(0);
            i = fold(&chars, i, &mut trace);
        } else {
            trace.push(c, at, end);
            i += 1;
        }
    }
    trace.trim_end(0);
    trace
}

fn single_quoted(raw: &str, base: usize) -> Trace {
    let chars = chars(raw, base);
    let mut trace = Trace::new(base);
    let mut i = 0;
    while let Some(&(at, c, end)) = chars.get(i) {
        match c {
            '\n' => {
                trace.trim_end(0);
                i = fold(&chars, i, &mut trace);
            }
            '\'' => {
                let end = chars.get(i + 1).map_or(end, |n| n.2);
                trace.push(c, at, end);
                i += 2;
            }
            _ => {
                trace.push(c, at, end);
                i += 1;
            }
        }
    }
    trace
}

fn double_quoted(raw: &str, base: usize) -> Option<Trace> {
    let chars = chars(raw, base);
    let mut trace = Trace::new(base);
    // White space that was written as an escape is not swallowed by a line break.
    let mut keep = 0;
    let mut i = 0;
    while let Some(&(at, c, end)) = chars.get(i) {
        match c {
            '\n' => {
                trace.trim_end(keep);
                i = fold(&chars, i, &mut trace);
                keep = trace.decoded.len();
            }
            '\\' => {
                let &(_, escape, escape_end) = chars.get(i + 1)?;
                if escape == '\n' {
                    i += 2;
                    while chars.get(i).is_some_and(|(_, c, _)| matches!(c, ' ' | '\t')) {
                        i += 1;
                    }
                    while let Some(&(at, '\n', end)) = chars.get(i) {
                        trace.push('\n', at, end);
                        i += 1;
                        while chars.get(i).is_some_and(|(_, c, _)| matches!(c, ' ' | '\t')) {
                            i += 1;
                        }
                    }
                    keep = trace.decoded.len();
                    continue;
                }
                let width = match escape {
                    'x' => 2,
                    'u' => 4,
                    'U' => 8,
                    _ => 0,
                };
                let decoded = if width > 0 {
                    let digits: String = chars.get(i + 2..i + 2 + width)?.iter().map(|c| c.1).collect();
                    char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?
                } else {
                    simple_escape(escape)?
                };
                let end = chars.get(i + 1 + width).map_or(escape_end, |c| c.2);
                trace.push(decoded, at, end);
                keep = trace.decoded.len();
                i += 2 + width;
            }
            _ => {
                trace.push(c, at, end);
                i += 1;
            }
        }
    }
    Some(trace)
}

fn simple_escape(c: char) -> Option<char> {
    Some(match c {
        '0' => '\0',
        'a' => '\u{7}',
        'b' => '\u{8}',
        't' | '\t' => '\t',
        'n' => '\n',
        'v' => '\u{b}',
        'f' => '\u{c}',
        'r' => '\r',
        'e' => '\u{1b}',
        ' ' => ' ',
        '"' => '"',
        '/' => '/',
        '\\' => '\\',
        'N' => '\u{85}',
        '_' => '\u{a0}',
        'L' => '\u{2028}',
        'P' => '\u{2029}',
        _ => return None,
    })
}

/// A literal or folded block. Chomping is not worked out: trailing line breaks are taken as `value` has them.
fn block(text: &str, raw: &str, base: usize, value: &str) -> Option<Trace> {
    let folded = raw.starts_with('>');
    let header_end = raw.find('\n')?;
    let header = raw[1..header_end].trim_end();
    let given = header.chars().find_map(|c| c.to_digit(10));
    let body = &text[base + header_end + 1..];
    let mut lines = Vec::new();
    let mut at = base + header_end + 1;
    for line in body.split_inclusive('\n') {
        lines.push((at, line));
        at += line.len();
        if at >= base + raw.len() {
            break;
        }
    }
    let content = |line: &str| line.trim_end_matches(['\n', '\r']).len();
    let spaces = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let indent = match given {
        // Counted from the parent, which is not known here: try what the first line has.
        Some(_) => lines.iter().find(|(_, l)| content(l) > spaces(l)).map(|(_, l)| {
            let lead = value.len() - value.trim_start_matches([' ', '\n']).len();
            let lead = lead - value[..lead].rfind('\n').map_or(0, |p| p + 1);
            spaces(l).saturating_sub(lead)
        })?,
        None => lines
            .iter()
            .find(|(_, l)| content(l) > spaces(l))
            .map(|(_, l)| spaces(l))?,
    };
    let wanted = value.trim_end_matches('\n');
    let mut trace = Trace::new(base + header_end);
    // Line breaks that wait for the next line with content.
    let mut breaks: Vec<(usize, usize)> = Vec::new();
    let mut previous_more = false;
    let mut any = false;
    for (at, line) in lines {
        let len = content(line);
        let from = indent.min(len);
        let kept = &line[from..len];
        if kept.is_empty() {
            breaks.push((at + len, at + line.len()));
            continue;
        }
        let more = kept.starts_with([' ', '\t']);
        if folded && any && !more && !previous_more {
            if breaks.len() == 1 {
                trace.push(' ', breaks[0].0, breaks[0].1);
            } else {
                for (s, e) in breaks.drain(..).skip(1) {
                    trace.push('\n', s, e);
                }
            }
        } else {
            for (s, e) in breaks.drain(..) {
                trace.push('\n', s, e);
            }
        }
        breaks.clear();
        for (i, c) in kept.char_indices() {
            trace.push(c, at + from + i, at + from + i + c.len_utf8());
        }
        previous_more = more;
        any = true;
        breaks.push((at + len, at + line.len()));
    }
    if trace.decoded != wanted {
        return None;
    }
    for (s, e) in breaks.into_iter().take(value.len() - wanted.len()) {
        trace.push('\n', s, e);
    }
    Some(trace)
}
