//! Every link leads somewhere, every page is in the summary.

use std::fs;

use super::{pages, root};

#[test]
fn links_lead_somewhere() {
    let mut broken = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for link in links(&text) {
            if link.starts_with("http") || link.starts_with('#') {
                continue;
            }
            let target = link.split('#').next().unwrap_or_default();
            if !page.parent().unwrap().join(target).exists() {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "broken links:\n  {}", broken.join("\n  "));
}

#[test]
fn every_page_is_in_the_summary() {
    let docs = root().join("docs");
    let summary = fs::read_to_string(docs.join("SUMMARY.md")).unwrap();
    let actions = fs::read_to_string(docs.join("reference/actions.md")).unwrap_or_default();
    let mut missing = Vec::new();
    for page in pages().iter().filter(|p| p.starts_with(&docs)) {
        let path = page.strip_prefix(&docs).unwrap().to_str().unwrap();
        let below_actions = path
            .strip_prefix("reference/")
            .is_some_and(|p| p.starts_with("actions/") && actions.contains(p));
        if path != "SUMMARY.md" && !below_actions && !summary.contains(&format!("({path})")) {
            missing.push(path.to_owned());
        }
    }
    assert!(missing.is_empty(), "not in docs/SUMMARY.md: {missing:?}");
}

/// The targets of `[text](target)` outside of code.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            code = !code;
        }
        if code {
            continue;
        }
        let mut rest = line;
        while let Some((before, after)) = rest.split_once("](") {
            let quoted = before.matches('`').count() % 2 == 1;
            if let Some((target, next)) = after.split_once(')') {
                if !quoted {
                    found.push(target.to_owned());
                }
                rest = next;
            } else {
                break;
            }
        }
    }
    found
}
