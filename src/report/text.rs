//! Hostile text made harmless for each place it goes to, and values made short enough to read.
//!
//! Everything a report shows may come from a server under test. Escaping happens here and at the last moment; the
//! tree holds texts as they came.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::Value as Json;

/// For a terminal or a log: control characters (ANSI among them) and characters that change the direction of the
/// text are shown as `\u{1b}`; tabs and line ends stay.
#[must_use]
pub fn plain(text: &str) -> Cow<'_, str> {
    if !text.chars().any(harmful) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if harmful(c) {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// As [`plain`], on one line: line ends become `⏎`.
#[must_use]
pub fn line(text: &str) -> String {
    plain(text)
        .replace("\r\n", "⏎")
        .replace(['\n', '\r'], "⏎")
        .replace('\t', " ")
}

/// For XML: as [`plain`], and without the characters that XML 1.0 forbids even when escaped.
#[must_use]
pub fn xml(text: &str) -> String {
    plain(text).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

/// For HTML outside of scripts.
#[must_use]
pub fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

/// For a cell or a line of Markdown: on one line, with everything that Markdown or its HTML could act on escaped.
#[must_use]
pub fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in line(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // `@` would notify people, `:` would make links of addresses, `|` would end the cell.
            '@' => out.push_str("&#64;"),
            '|' => out.push_str("&#124;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '#' | '!' | '~' | '$' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out.replace("://", ":&#47;&#47;")
}

/// For a code block in Markdown: the block with a fence that is longer than any run of backticks in the text.
#[must_use]
pub fn fenced(text: &str) -> String {
    let text = plain(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{}\n{fence}\n", text.trim_end_matches('\n'))
}

/// Cuts a text to at most `max` bytes, at a character, and says how much is missing.
#[must_use]
pub fn cut(text: &str, max: usize) -> Cow<'_, str> {
    if text.len() <= max {
        return Cow::Borrowed(text);
    }
    let mut end = max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Cow::Owned(format!("{}… ({} bytes more)", &text[..end], text.len() - end))
}

/// A value on one line with its kind: `"243ms" (text)`, `[1, 2] (list of 2)`.
#[must_use]
pub fn value(json: &Json) -> String {
    const MAX: usize = 300;
    match json {
        Json::Null => "null".to_owned(),
        Json::Bool(b) => format!("{b}"),
        other => {
            let text = other.to_string();
            format!("{} ({})", cut(&line(&text), MAX), kind(other))
        }
    }
}

/// What a value is, in the words of the guide.
#[must_use]
pub fn kind(json: &Json) -> String {
    match json {
        Json::Null => "null".to_owned(),
        Json::Bool(_) => "true or false".to_owned(),
        Json::Number(n) if n.is_f64() => "number".to_owned(),
        Json::Number(_) => "whole number".to_owned(),
        Json::String(_) => "text".to_owned(),
        Json::Array(a) => format!("list of {}", a.len()),
        Json::Object(o) => format!("mapping of {}", o.len()),
    }
}

/// Seconds for people: `850ms`, `12.3s`, `3m 20s`.
#[must_use]
pub fn seconds(s: f64) -> String {
    let s = if s.is_finite() { s.max(0.0) } else { 0.0 };
    if s < 0.9995 {
        format!("{:.0}ms", s * 1000.0)
    } else if s < 59.95 {
        format!("{s:.1}s")
    } else {
        let whole = s.round() as u64;
        match (whole / 3600, whole / 60 % 60, whole % 60) {
            (0, m, s) => format!("{m}m {s}s"),
            (h, m, _) => format!("{h}h {m}m"),
        }
    }
}

/// `1 check`, `2 checks`.
#[must_use]
pub fn plural(n: u64, one: &str) -> String {
    if n == 1 {
        format!("1 {one}")
    } else {
        format!("{n} {one}s")
    }
}

fn harmful(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_not_sent() {
        assert_eq!(
            plain("a\u{1b}[31mb\u{7}\u{202e}\n\t"),
            "a\\u{1b}[31mb\\u{7}\\u{202e}\n\t"
        );
        assert_eq!(line("a\r\nb\nc\td"), "a\\u{d}⏎b⏎c d");
        assert_eq!(plain("Köln ✓"), "Köln ✓");
    }

    #[test]
    fn markdown_cannot_be_steered() {
        assert_eq!(markdown("a|b <img> @all"), "a&#124;b &lt;img&gt; &#64;all");
        assert_eq!(markdown("[x](http://e)"), "\\[x\\](http:&#47;&#47;e)");
        let block = fenced("x\n````\ny");
        assert!(
            block.starts_with("`````text\n") && block.ends_with("\n`````\n"),
            "{block}"
        );
    }

    #[test]
    fn cutting_keeps_characters_whole() {
        assert_eq!(cut("äää", 3), "ä… (4 bytes more)");
        assert_eq!(cut("abc", 3), "abc");
    }

    #[test]
    fn seconds_are_readable() {
        let shown: Vec<_> = [0.0, 0.0123, 0.9999, 12.34, 59.96, 200.0, 7300.0, f64::NAN]
            .into_iter()
            .map(seconds)
            .collect();
        assert_eq!(
            shown,
            ["0ms", "12ms", "1.0s", "12.3s", "1m 0s", "3m 20s", "2h 1m", "0ms"]
        );
    }

    #[test]
    fn values_say_their_kind() {
        assert_eq!(value(&serde_json::json!("243ms")), "\"243ms\" (text)");
        assert_eq!(value(&serde_json::json!([1, 2])), "[1,2] (list of 2)");
        assert_eq!(value(&serde_json::json!(3)), "3 (whole number)");
        assert_eq!(value(&serde_json::json!(null)), "null");
    }
}
