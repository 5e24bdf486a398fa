//! The JUnit writer: whatever texts come from outside, the file is read back with the same counts, in both its forms.

use specrun::report::{Fold, Format};

use super::Target;
use crate::report::{hostile, junit};

const PIECES: &[&str] = &[
    "]]>",
    "<![CDATA[",
    "<",
    ">",
    "&",
    "&amp;",
    "&#0;",
    "\"",
    "'",
    "\u{0}",
    "\u{1b}[2J",
    "\u{fffe}",
    "\u{202e}",
    "\r\n",
    "\n",
    "\t",
    "</testcase>",
    "<!--",
    "-->",
    "<?xml",
    "é",
    "😀",
    "%0A",
    "::error::",
];

#[test]
fn a_file_is_read_back_with_the_same_counts() {
    let target = Target {
        name: "junit",
        cases: 300,
        pieces: PIECES,
        seeds: vec![hostile::WORST.as_bytes().to_vec()],
    };
    target.run(|input| {
        let text = String::from_utf8_lossy(input);
        let report = Fold::all(&hostile::run(&text));
        for format in [Format::Junit, Format::Xunit] {
            let count = |status| junit::count(format, &report, status);
            assert_eq!((count("failure"), count("error"), count("")), (1, 1, 0));
        }
    });
}
