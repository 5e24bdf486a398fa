//! Named targets of random inputs: whatever comes in, the program neither panics nor says what is not so.
//!
//! `cargo test --test it fuzz` runs each target for a moment, always with the same inputs. By hand, for long:
//! `FUZZ_CASES=1000000 FUZZ_SEED=2 cargo test --test it fuzz::journal`.
//!
//! An input is one from `tests/fuzz/TARGET`, or one the target itself gives, with some random edits; pieces that mean
//! something to the reader are among them. An input that broke something is kept in that folder for good.

mod expressions;
mod interpolation;
mod journal;
mod junit;
mod redactor;
mod specs;
mod templates;

use std::cell::RefCell;
use std::io::Write as _;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

/// The most one input may take of the processor, in a build without optimisation.
const SLOWEST: Duration = Duration::from_secs(10);

/// Something that takes inputs from outside.
struct Target {
    /// The name of its folder in `tests/fuzz`.
    name: &'static str,
    /// How many inputs a short run tries.
    cases: u32,
    /// What means something to the reader.
    pieces: &'static [&'static str],
    /// Whole inputs to begin with, besides those in the folder.
    seeds: Vec<Vec<u8>>,
}

/// A change of an input; places are shares of its length.
#[derive(Clone, Debug)]
enum Edit {
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Truncate(Index),
    Flip(Index, u8),
    /// A part of it once more, somewhere else.
    Copy(Index, usize, Index),
    /// Goes on as another input does.
    Splice(Index, Index, Index),
}

impl Target {
    /// Holds the property to every input of the folder, and to random ones.
    fn run(mut self, property: impl Fn(&[u8])) {
        let number = |name: &str| {
            std::env::var(name)
                .ok()
                .map(|n| n.parse::<u32>().expect("a number"))
        };
        let by_hand = number("FUZZ_CASES");
        let kept = self.kept();
        let folder = kept.len();
        for (name, input) in kept {
            property_of_file(&property, &name, &input);
            self.seeds.push(input);
        }
        let slowest = RefCell::new((Duration::ZERO, Vec::new()));
        let mut seed = [0; 32];
        seed[..4].copy_from_slice(&number("FUZZ_SEED").unwrap_or(1).to_le_bytes());
        let cases = by_hand.unwrap_or(self.cases);
        let config = Config {
            cases,
            failure_persistence: None,
            max_shrink_iters: 4096,
            ..Config::default()
        };
        let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
        let result = runner.run(&self.inputs(), |(first, edits)| {
            let input = self.edited(first, &edits);
            let before = processor_time();
            property(&input);
            let took = processor_time().saturating_sub(before);
            if took > slowest.borrow().0 {
                *slowest.borrow_mut() = (took, input);
            }
            Ok(())
        });
        if let Err(TestError::Fail(why, (first, edits))) = &result {
            let input = self.edited(*first, edits);
            let file = format!("{}/{}-failed", env!("CARGO_TARGET_TMPDIR"), self.name);
            std::fs::write(&file, &input).unwrap();
            panic!(
                "{why}\nwith {:?}\nwritten to {file}; keep it in tests/fuzz/{}",
                String::from_utf8_lossy(&input),
                self.name
            );
        }
        result.unwrap();
        let (took, input) = slowest.into_inner();
        let shown: String = String::from_utf8_lossy(&input).chars().take(200).collect();
        assert!(took < SLOWEST, "{}: {took:?} for {shown:?}", self.name);
        if by_hand.is_some() {
            let told = format!(
                "fuzz {}: {folder} kept and {cases} random inputs, none broke anything; the slowest took {took:?} of the \
                 processor: {shown:?}; peak of memory {}\n",
                self.name,
                peak()
            );
            std::io::stderr().write_all(told.as_bytes()).unwrap();
        }
    }

    /// The inputs in the target's folder.
    fn kept(&self) -> Vec<(String, Vec<u8>)> {
        let folder = crate::support::root().join("tests/fuzz").join(self.name);
        let mut found: Vec<_> = std::fs::read_dir(&folder)
            .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.display().to_string(), std::fs::read(&path).unwrap()))
            .collect();
        found.sort();
        assert!(!found.is_empty(), "{} has no input", folder.display());
        found
    }

    fn inputs(&self) -> impl Strategy<Value = (Index, Vec<Edit>)> + use<> {
        let pieces = self.pieces;
        let place = any::<Index>;
        let insert = prop_oneof![
            6 => any::<Index>().prop_map(move |at| at.get(pieces).as_bytes().to_vec()),
            1 => prop::collection::vec(any::<u8>(), 1..6),
        ];
        let edit = prop_oneof![
            6 => (place(), insert).prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
            3 => (place(), 1..40_usize).prop_map(|(at, n)| Edit::Remove(at, n)),
            1 => place().prop_map(Edit::Truncate),
            2 => (place(), 0..8_u8).prop_map(|(at, bit)| Edit::Flip(at, bit)),
            2 => (place(), 1..200_usize, place()).prop_map(|(from, n, to)| Edit::Copy(from, n, to)),
            1 => (place(), place(), place()).prop_map(|(at, other, from)| Edit::Splice(at, other, from)),
        ];
        (place(), prop::collection::vec(edit, 0..8))
    }

    fn edited(&self, first: Index, edits: &[Edit]) -> Vec<u8> {
        let mut input = first.get(&self.seeds).clone();
        for edit in edits {
            match edit {
                Edit::Insert(at, bytes) => insert(&mut input, *at, bytes),
                Edit::Remove(at, n) => {
                    let at = at.index(input.len() + 1);
                    let to = (at + n).min(input.len());
                    input.drain(at..to);
                }
                Edit::Truncate(at) => input.truncate(at.index(input.len() + 1)),
                Edit::Flip(_, _) if input.is_empty() => {}
                Edit::Flip(at, bit) => {
                    let at = at.index(input.len());
                    input[at] ^= 1 << bit;
                }
                Edit::Copy(from, n, to) => {
                    let from = from.index(input.len() + 1);
                    let part = input[from..(from + n).min(input.len())].to_vec();
                    insert(&mut input, *to, &part);
                }
                Edit::Splice(at, other, from) => {
                    let other = other.get(&self.seeds);
                    input.truncate(at.index(input.len() + 1));
                    input.extend_from_slice(&other[from.index(other.len() + 1)..]);
                }
            }
        }
        input
    }
}

fn insert(input: &mut Vec<u8>, at: Index, bytes: &[u8]) {
    let at = at.index(input.len() + 1);
    input.splice(at..at, bytes.iter().copied());
}

/// The name of the file stands in the message when it breaks something.
fn property_of_file(property: &impl Fn(&[u8]), name: &str, input: &[u8]) {
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| property(input)));
    if let Err(panic) = done {
        let why = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied());
        panic!("{name}: {}", why.unwrap_or("it panics"));
    }
}

/// What this thread has had of the processor, which a busy machine does not change.
fn processor_time() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap())
}

/// The most memory this process has had.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.unwrap_or("unknown").trim().to_owned()
}

#[test]
fn every_folder_belongs_to_a_target() {
    let mut folders: Vec<String> = std::fs::read_dir(crate::support::root().join("tests/fuzz"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "README.md")
        .collect();
    folders.sort();
    assert_eq!(
        folders,
        [
            "expressions",
            "interpolation",
            "journal",
            "junit",
            "redactor",
            "specs",
            "templates"
        ]
    );
}
