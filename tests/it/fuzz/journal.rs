//! The journal reader: torn, flipped and spliced journals give exactly the events whose lines are whole, name the rest,
//! and no report made of them is greener than those events.

use specrun::check::Verdict;
use specrun::engine::journal::parse;
use specrun::event::{Event, EventKind};
use specrun::report::{Fold, Format, Options, render};

use super::Target;
use crate::support::events;

const PIECES: &[&str] = &[
    "\n",
    "\r\n",
    "00000000 ",
    "00000000 {}\n",
    "\"type\":\"spec_finished\"",
    "\"verdict\":\"passed\"",
    "{",
    "}",
    "\"seq\":0,",
    "\u{0}",
    "ffffffff {\"seq\":1}\n",
    "é",
];

#[test]
fn what_is_left_of_a_journal_is_read_and_nothing_else() {
    let whole = events::every_verdict();
    let lines: Vec<Vec<u8>> = whole.iter().map(line).collect();
    let (front, back) = lines.split_at(lines.len() / 2);
    let target = Target {
        name: "journal",
        cases: 300,
        pieces: PIECES,
        seeds: vec![lines.concat(), front.concat(), back.concat()],
    };
    target.run(|input| {
        let journal = parse(input).unwrap();
        let mut trusted = Vec::new();
        let mut damaged = Vec::new();
        let mut size = 0;
        for (n, line) in (1..).zip(input.split_inclusive(|b| *b == b'\n')) {
            let Some(text) = line.strip_suffix(b"\n") else {
                assert!(journal.torn);
                break;
            };
            size += line.len() as u64;
            match event(text) {
                Some(event) => trusted.push(event),
                None => damaged.push(n),
            }
        }
        assert_eq!(journal.torn, !(input.is_empty() || input.ends_with(b"\n")));
        assert_eq!(journal.whole, size);
        assert_eq!(journal.events, trusted);
        let told: Vec<u64> = journal.damage.iter().map(|d| d.line).collect();
        assert!(
            damaged.iter().all(|line| told.contains(line)),
            "{damaged:?}, but {told:?}"
        );
        // Without a word of damage it is what was written, or the beginning of it.
        if journal.damage.is_empty() {
            let in_order = journal.events.iter().zip(0..).all(|(e, n)| e.seq == n);
            assert!(in_order, "events are missing without a word");
        }
        let report = Fold::all(&journal.events);
        for spec in report.specs.iter().filter(|s| s.verdict == Verdict::Passed) {
            let passed = journal.events.iter().any(|e| {
                let of_it = e.spec.as_ref() == Some(&spec.id);
                of_it
                    && matches!(
                        e.kind,
                        EventKind::SpecFinished {
                            verdict: Verdict::Passed,
                            ..
                        }
                    )
            });
            assert!(passed, "{} passed by nobody's word", spec.id);
        }
        for format in [Format::Json, Format::Junit] {
            render(format, &report, &Options::default()).unwrap();
        }
    });
}

fn line(event: &Event) -> Vec<u8> {
    let json = serde_json::to_string(event).unwrap();
    format!("{:08x} {json}\n", checksum(json.as_bytes())).into_bytes()
}

/// The event of a line whose checksum holds.
fn event(line: &[u8]) -> Option<Event> {
    let (head, json) = line.split_at_checked(9)?;
    let (sum, space) = head.split_at(8);
    let sum = u32::from_str_radix(std::str::from_utf8(sum).ok()?, 16).ok()?;
    if space != b" " || sum != checksum(json) {
        return None;
    }
    serde_json::from_slice(json).ok()
}

/// CRC-32 as ISO-HDLC defines it, bit by bit, so that it owes nothing to the one of the program.
fn checksum(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg());
        }
    }
    !sum
}

#[test]
fn the_checksum_is_the_known_one() {
    assert_eq!(checksum(b"123456789"), 0xcbf4_3926);
}
