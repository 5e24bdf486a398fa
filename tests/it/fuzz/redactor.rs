//! The redactor: no secret comes through, however it is encoded and wherever a stream is cut.
//!
//! An input is a line of secrets with `|` between them, and a text.

use std::io::Write as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use specrun::tools::{Redacting, Redactor};
use specrun::value::Secret;

use super::Target;

const PIECES: &[&str] = &[
    "hunter22",
    "hunter",
    "22",
    "aGVsbG8=",
    "%20",
    "\\u00e9",
    "\\\"",
    "&amp;",
    "&#34;",
    "'\\''",
    "|",
    "\n",
    "\r\n",
    " ",
    "=",
    "+",
    "/",
    "é",
    "\u{0}",
    "{\"key\": \"k-123456\"}",
    "-----BEGIN KEY-----",
    "68756e7465723232",
    "***",
];

#[test]
fn no_secret_comes_through_in_one_piece_or_in_many() {
    let target = Target {
        name: "redactor",
        cases: 400,
        pieces: PIECES,
        seeds: Vec::new(),
    };
    target.run(|input| {
        let at = input.iter().position(|b| *b == b'\n').unwrap_or(input.len());
        let (head, text) = (String::from_utf8_lossy(&input[..at]), &input[at..]);
        let secrets: Vec<&str> = head.split('|').collect();
        let named: Vec<Secret> = secrets.iter().map(|s| Secret::new("s", *s)).collect();
        let redactor = Arc::new(Redactor::new(&named));

        let whole = redactor.redact_bytes(text);
        assert_eq!(in_pieces(&redactor, text), whole, "a stream gives something else");
        for secret in &secrets {
            // A mask may stand where a part of such a secret did.
            if secret.len() < 6 || secret.contains('*') {
                continue;
            }
            assert!(!holds(&whole, secret.as_bytes()), "{secret:?} stands in the open");
            for form in forms(secret) {
                let text = [b"before ", form.as_bytes(), b" after"].concat();
                let masked = redactor.redact_bytes(&text);
                assert!(
                    !holds(&masked, form.as_bytes()),
                    "{secret:?} comes through as {form:?}"
                );
                assert_eq!(in_pieces(&redactor, &text), masked);
            }
        }
    });
}

/// Cut where the text itself says.
fn in_pieces(redactor: &Arc<Redactor>, text: &[u8]) -> Vec<u8> {
    let mut writer = Redacting::new(Vec::new(), Arc::clone(redactor));
    let mut rest = text;
    while let [first, ..] = rest {
        let (piece, after) = rest.split_at((usize::from(*first) % 11 + 1).min(rest.len()));
        writer.write_all(piece).unwrap();
        rest = after;
    }
    writer.finish().unwrap()
}

fn forms(secret: &str) -> Vec<String> {
    let hex = specrun::tools::files::hex(secret.as_bytes());
    let json = serde_json::to_string(secret).unwrap();
    vec![
        secret.to_owned(),
        STANDARD.encode(secret),
        hex.to_uppercase(),
        hex,
        utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
        json[1..json.len() - 1].to_owned(),
    ]
}

fn holds(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|w| w == part)
}
