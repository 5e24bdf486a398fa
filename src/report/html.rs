//! One self-contained HTML page: no network, no framework, nothing to install.
//!
//! The tree goes in as JSON, and a small program (`html/page.js`) draws what is looked at. It puts every text in as
//! text; the content security policy lets no other program run. Here is only how data, style and program come
//! together safely.

use std::io;

use base64::Engine as _;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::github;
use super::model::Report;
use super::text::{cut, html as escape};
use crate::check::Verdict;

const PAGE: &str = include_str!("html/page.html");
const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");

/// Bytes of one value (parameters or output of a step) that are shown.
const VALUE: usize = 64 * 1024;
/// Bytes of all values; after that, only steps that did not pass show theirs.
const VALUES: usize = 24 * 1024 * 1024;

/// The run as a page.
///
/// # Errors
/// Never in practice: every part of the tree has a JSON form.
pub fn render(report: &Report) -> io::Result<String> {
    let data = serde_json::to_string(&bounded(report))?;
    let policy = format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    );
    let title = escape(&format!("specrun: {}", github::headline(report)));
    let parts = [
        ("policy", policy.as_str()),
        ("title", &title),
        ("style", STYLE),
        ("data", &in_script(&data)),
        ("script", SCRIPT),
    ];
    Ok(fill(PAGE, &parts))
}

/// Fills the places of a page, each once and in order, so that nothing in the data is taken for a place.
fn fill(page: &str, parts: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(page.len() + parts.iter().map(|p| p.1.len()).sum::<usize>());
    let mut rest = page;
    for (name, text) in parts {
        let place = format!("{{{{{name}}}}}");
        if let Some((before, after)) = rest.split_once(&place) {
            out.push_str(before);
            out.push_str(text);
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

/// JSON that may stand in a `<script>`: it ends none, starts none, and is still the same JSON.
fn in_script(json: &str) -> String {
    json.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

fn hash(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    format!(
        "sha256-{}",
        base64::engine::general_purpose::STANDARD.encode(digest)
    )
}

/// The tree without values that are too large for a page.
fn bounded(report: &Report) -> Report {
    let mut report = report.clone();
    let mut room = VALUES;
    for spec in &mut report.specs {
        for step in &mut spec.steps {
            let passed = step.verdict == Verdict::Passed;
            bound(&mut step.params, passed, &mut room);
            if let Some(output) = &mut step.output {
                bound(output, passed, &mut room);
            }
        }
    }
    report
}

fn bound(value: &mut Json, passed: bool, room: &mut usize) {
    let text = value.to_string();
    if passed && text.len() > *room {
        *value = Json::String(
            "left out of this page for its size; the journal and the JSON report have it".to_owned(),
        );
    } else if text.len() > VALUE {
        *value = Json::String(cut(&text, VALUE).into_owned());
        *room = room.saturating_sub(VALUE);
    } else {
        *room = room.saturating_sub(text.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_cannot_end_its_script() {
        let json = serde_json::json!({"a": "</script><!--\u{2028}&"}).to_string();
        let safe = in_script(&json);
        assert!(!safe.contains(['<', '>', '&', '\u{2028}']), "{safe}");
        assert_eq!(
            serde_json::from_str::<Json>(&safe).unwrap(),
            serde_json::from_str::<Json>(&json).unwrap()
        );
    }

    #[test]
    fn a_place_in_the_data_is_no_place() {
        let page = fill("{{data}}|{{script}}", &[("data", "{{script}}"), ("script", "x")]);
        // The text of the data is copied, not read again.
        assert_eq!(page, "{{script}}|x");
    }

    #[test]
    fn the_program_stays_in_its_script() {
        for text in [SCRIPT, STYLE] {
            assert!(!text.contains("</") && !text.contains("<!--"));
        }
    }
}
