//! Specs with random damage: whatever stands in a file, reading and compiling it ends with a plan or a diagnostic.

use std::path::Path;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use specrun::actions::REGISTRY;
use specrun::diag::{Diagnostics, Style, render};
use specrun::plan::{Given, Request, compile};
use specrun::source::Sources;
use specrun::spec::{SpecDefaults, read_text};

/// Pieces that mean something to the reader or to the language.
const PIECES: &[&str] = &[
    "${{",
    "}}",
    "${{ a.status }}",
    "- ",
    ": ",
    "\n",
    "  ",
    "\"",
    "'",
    "|\n",
    "[",
    "]",
    "{",
    "}",
    "*a",
    "&a ",
    "!!str ",
    "#",
    " #",
    "\t",
    "\r\n",
    "\u{0}",
    "\u{feff}",
    "é",
    "😀",
    "a.",
    ".",
    "any(",
    "null",
    "1e9",
    "200ms",
    "%",
    "matrix:",
    "for_each: {m: [1]}",
    "needs: []",
    "like: a",
    "expect: ",
    "id: a",
    "9223372036854775808",
    "-",
    "==",
    "is present",
];

#[test]
fn damaged_specs_never_break_the_reader() {
    let mut seeds = Vec::new();
    for folder in [
        "tests/false_green",
        "examples/actions",
        "examples/quickstart",
        "specs",
    ] {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        for entry in walkdir::WalkDir::new(root).sort_by_file_name() {
            let entry = entry.unwrap();
            let small = entry.metadata().unwrap().len() < 4000;
            if small && entry.path().extension().is_some_and(|e| e == "yaml") {
                seeds.extend(std::fs::read_to_string(entry.path()));
            }
        }
    }
    assert!(seeds.len() > 200, "only {} texts to damage", seeds.len());
    let mut random = StdRng::seed_from_u64(20_261_126);
    let (mut plans, mut refused) = (0, 0);
    for seed in &seeds {
        for _ in 0..8 {
            let text = damage(seed, &mut random);
            // The text is shown when this panics.
            let said = std::panic::catch_unwind(|| outcome(&text));
            match said {
                Ok(true) => plans += 1,
                Ok(false) => refused += 1,
                Err(panic) => panic!("this text broke the reader ({panic:?}):\n{text}"),
            }
        }
    }
    assert!(plans > 0 && refused > plans, "{plans} plans, {refused} refused");
}

/// Whether a plan came of it; without one there is at least one diagnostic, and all can be shown.
fn outcome(text: &str) -> bool {
    let sources = Sources::new();
    let id = sources.add("damaged.yaml", text);
    let defaults = SpecDefaults::default();
    let mut out = Diagnostics::new();
    let spec = read_text(&sources, id, &REGISTRY, defaults, &mut out);
    let mut all = out.sorted();
    let readable = spec.is_some();
    let specs: Vec<_> = spec.into_iter().collect();
    let (plan, more) = compile(&Request {
        sources: &sources,
        registry: &REGISTRY,
        specs: &specs,
        given: Given {
            set: &[],
            environment: None,
            secrets: &[],
            variable: &|_| None,
            complete: true,
        },
        defaults,
    });
    all.extend(more);
    for d in &all {
        assert!(!render(d, &sources, Style::Plain, 100).is_empty());
    }
    let good = readable && plan.is_some() && all.is_empty();
    assert!(good || !all.is_empty(), "refused without a word");
    good
}

/// A text with one to three random changes at character borders.
fn damage(seed: &str, random: &mut StdRng) -> String {
    let mut text = seed.to_owned();
    for _ in 0..random.random_range(1..=3) {
        let at = border(&text, random);
        match random.random_range(0..4) {
            0 => text.insert_str(at, PIECES[random.random_range(0..PIECES.len())]),
            1 => {
                let to = border(&text, random).clamp(at, (at + 40).min(text.len()).max(at));
                let to = (to..=text.len())
                    .find(|i| text.is_char_boundary(*i))
                    .unwrap_or(text.len());
                text.replace_range(at..to, "");
            }
            2 => text.truncate(at),
            _ => {
                // A line again somewhere else.
                let lines: Vec<String> = text.lines().map(str::to_owned).collect();
                if let Some(line) = lines.get(random.random_range(0..lines.len().max(1))) {
                    let start = text[..at].rfind('\n').map_or(0, |p| p + 1);
                    text.insert_str(start, &format!("{line}\n"));
                }
            }
        }
    }
    text
}

fn border(text: &str, random: &mut StdRng) -> usize {
    let at = random.random_range(0..=text.len());
    (at..=text.len())
        .find(|i| text.is_char_boundary(*i))
        .unwrap_or(text.len())
}
