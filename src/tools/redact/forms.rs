//! The forms in which a secret may come back: raw; base64 (both alphabets) at each of the three positions it can have
//! in a longer text; percent-encoded; in JSON, XML, a shell word or hexadecimal digits; the leaves of a secret that is
//! JSON itself; the lines of one that has several.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

/// Lines of a secret shorter than this are not looked for alone (`}`, `-----`).
const MIN_LINE: usize = 8;
/// Numbers within a JSON secret with fewer digits are not looked for: they would mask ports and counts.
const MIN_DIGITS: usize = 6;

/// What JavaScript's `encodeURIComponent` leaves alone.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'!')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');
/// What RFC 3986 calls unreserved.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');
/// What HTML forms leave alone; a space becomes `+`.
const FORM: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'*')
    .remove(b' ');
/// What URL parsers escape in a path and in a query.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}');
const QUERY: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'\'');

/// All forms of a secret; some may be equal or too short.
pub fn of(secret: &str) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for part in parts(secret) {
        encodings(&part, &mut all);
    }
    // Whoever quotes what a program or a service said escapes what that had escaped.
    let quoted: Vec<Vec<u8>> = all
        .iter()
        .filter_map(|form| std::str::from_utf8(form).ok())
        .map(|form| json_inner(form).into_bytes())
        .collect();
    all.extend(quoted);
    all.sort_unstable();
    all.dedup();
    all
}

/// The secret, what is left of it without white space around it, its lines and its JSON leaves.
fn parts(secret: &str) -> Vec<String> {
    let mut parts = vec![secret.to_owned(), secret.trim().to_owned()];
    if secret.trim().contains('\n') {
        parts.extend(
            secret
                .lines()
                .map(str::trim)
                .filter(|line| line.len() >= MIN_LINE)
                .map(str::to_owned),
        );
    }
    if secret.trim_start().starts_with(['{', '['])
        && let Ok(json) = serde_json::from_str(secret)
    {
        leaves(&json, &mut parts);
    }
    parts
}

fn leaves(json: &serde_json::Value, parts: &mut Vec<String>) {
    use serde_json::Value as J;
    match json {
        J::String(text) => {
            parts.push(text.clone());
            parts.extend(
                text.lines()
                    .filter(|line| line.len() >= MIN_LINE)
                    .map(str::to_owned),
            );
        }
        J::Number(number) if number.to_string().len() >= MIN_DIGITS => parts.push(number.to_string()),
        J::Array(items) => items.iter().for_each(|item| leaves(item, parts)),
        J::Object(fields) => fields.values().for_each(|item| leaves(item, parts)),
        J::Null | J::Bool(_) | J::Number(_) => {}
    }
}

fn encodings(part: &str, all: &mut Vec<Vec<u8>>) {
    let mut add = |text: String| all.push(text.into_bytes());
    add(part.to_owned());
    base64_at_shifts(part.as_bytes(), &mut add);
    for set in [NON_ALPHANUMERIC, COMPONENT, UNRESERVED, PATH, QUERY] {
        let encoded = utf8_percent_encode(part, set).to_string();
        add(lower_escapes(&encoded));
        add(encoded);
    }
    let form = utf8_percent_encode(part, FORM).to_string().replace(' ', "+");
    add(lower_escapes(&form));
    add(form);
    let json = json_inner(part);
    add(json_inner(&json));
    add(json.replace('/', "\\/"));
    add(json
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026"));
    add(json_ascii(&json, false));
    add(json_ascii(&json, true));
    add(json);
    for (quote, apostrophe) in [
        ("&quot;", "&apos;"),
        ("&quot;", "&#39;"),
        ("&#34;", "&#39;"),
        ("&quot;", "&#x27;"),
        ("&quot;", "'"),
        ("\"", "&#39;"),
        ("\"", "'"),
    ] {
        add(part
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', quote)
            .replace('\'', apostrophe));
    }
    for separator in ["", ":", " "] {
        let hex = |upper: bool| {
            let digits: Vec<String> = part
                .bytes()
                .map(|b| {
                    if upper {
                        format!("{b:02X}")
                    } else {
                        format!("{b:02x}")
                    }
                })
                .collect();
            digits.join(separator)
        };
        add(hex(false));
        add(hex(true));
    }
    add(part.replace('\'', "'\\''"));
    add(part.replace('\'', "'\"'\"'"));
    add(shell_escaped(part));
    add(format!("{part:?}").trim_matches('"').to_owned());
}

/// What is the same in base64 wherever the secret stands: for each of the three positions the digits that depend on
/// no neighbour.
fn base64_at_shifts(secret: &[u8], add: &mut impl FnMut(String)) {
    for shift in 0..3_usize {
        let mut padded = vec![0; shift];
        padded.extend_from_slice(secret);
        // Digits that hold bits of what stands before: 8 * shift bits, six to a digit.
        let first = (shift * 8).div_ceil(6);
        // Digits that hold bits of the secret alone.
        let last = padded.len() * 8 / 6;
        if last > first {
            add(STANDARD_NO_PAD.encode(&padded)[first..last].to_owned());
            add(URL_SAFE_NO_PAD.encode(&padded)[first..last].to_owned());
        }
    }
}

/// `%2F` to `%2f`.
fn lower_escapes(encoded: &str) -> String {
    let mut out = String::with_capacity(encoded.len());
    let mut escape = 0;
    for c in encoded.chars() {
        if c == '%' {
            escape = 2;
            out.push(c);
        } else if escape > 0 {
            escape -= 1;
            out.push(c.to_ascii_lowercase());
        } else {
            out.push(c);
        }
    }
    out
}

fn json_inner(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// Characters outside ASCII as `\u00e9`.
fn json_ascii(json: &str, upper: bool) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = if upper {
                write!(out, "\\u{unit:04X}")
            } else {
                write!(out, "\\u{unit:04x}")
            };
        }
    }
    out
}

/// As `printf %q` writes it: a backslash before everything a shell could read.
fn shell_escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for c in text.chars() {
        if !(c.is_alphanumeric() || "_-./:=+,@%".contains(c)) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
