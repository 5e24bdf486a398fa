//! Whether models are the same: compared tensor by tensor, judged by a tolerance.

use std::collections::BTreeMap;
use std::path::PathBuf;

use globset::{Glob, GlobMatcher};
use schemars::JsonSchema;
use serde::Serialize;

use crate::action::{Class, Failure, OwnCheck};
use crate::actions::model::weights::{self, Difference, Model, Rules, Tolerance, difference};
use crate::check::{CheckOutcome, Verdict};
use crate::event::Severity;
use crate::tools::files::Files;
use crate::tools::http::Until;

/// Differences that the check shows.
const SHOWN: usize = 20;

/// How far tensors may be apart.
pub struct Policy {
    all: Tolerance,
    /// By a pattern of names; the first that fits.
    some: Vec<(GlobMatcher, Tolerance)>,
}

impl Policy {
    /// # Errors
    /// `bad_parameter` for a pattern that is none.
    pub fn new(all: Tolerance, some: &BTreeMap<String, Tolerance>) -> Result<Self, Failure> {
        let one = |(pattern, tolerance): (&String, &Tolerance)| {
            let glob = Glob::new(pattern).map_err(|e| {
                Failure::new(Class::BadParameter, format!("`tolerances`: not a pattern: {e}"))
            })?;
            Ok((glob.compile_matcher(), *tolerance))
        };
        Ok(Self {
            all,
            some: some.iter().map(one).collect::<Result<_, Failure>>()?,
        })
    }

    fn of(&self, tensor: &str) -> Tolerance {
        let named = self.some.iter().find(|(pattern, _)| pattern.is_match(tensor));
        named.map_or(self.all, |(_, tolerance)| *tolerance)
    }
}

/// A difference of one run from the first.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Found {
    /// Which run differs from the first, from 2.
    pub run: usize,
    #[serde(flatten)]
    pub difference: Difference,
}

/// What the models are like.
pub struct Judged {
    pub hashes: Vec<String>,
    pub canonical: bool,
    pub tensors: usize,
    /// Values of the first model that are no finite numbers.
    pub not_finite: u64,
    pub found: Vec<Found>,
}

impl Judged {
    /// Whether all weights are equal.
    pub fn identical(&self) -> bool {
        self.hashes.windows(2).all(|two| two[0] == two[1])
    }

    /// Whether what differs is within the tolerance.
    pub fn within(&self) -> bool {
        self.found.iter().all(|f| f.difference.beyond == 0)
    }

    /// The check of the step.
    pub fn check(&self) -> OwnCheck {
        let runs = self.hashes.len();
        let (verdict, message) = if self.not_finite > 0 {
            let text = format!(
                "{} values of the model are no finite numbers: models that broke are equal too",
                self.not_finite
            );
            (Verdict::Inconclusive, text)
        } else if self.identical() {
            (
                Verdict::Passed,
                format!("the weights of {runs} runs are identical"),
            )
        } else if self.within() {
            (
                Verdict::Passed,
                format!("the weights of {runs} runs differ, and by no more than is tolerated"),
            )
        } else {
            let first = self.found.iter().find(|f| f.difference.beyond > 0);
            let text = first.map_or_else(String::new, |f| {
                format!("run {}: {}", f.run, f.difference.sentence())
            });
            (Verdict::Failed, format!("the weights differ. {text}"))
        };
        let mut outcome = CheckOutcome::new(verdict, message);
        outcome.details = self
            .found
            .iter()
            .take(SHOWN)
            .map(|f| format!("run {}: {}", f.run, f.difference.sentence()))
            .collect();
        if self.found.len() > SHOWN {
            outcome
                .details
                .push(format!("and {} more tensors", self.found.len() - SHOWN));
        }
        outcome
            .statistics
            .insert("tensors".to_owned(), serde_json::Value::from(self.tensors));
        OwnCheck {
            id: "weights".to_owned(),
            text: format!("{runs} runs give the same weights"),
            severity: Severity::Critical,
            outcome,
        }
    }
}

/// Compares the models of all runs with that of the first. Blocks.
///
/// # Errors
/// As opening and reading them.
pub fn judge(
    paths: &[PathBuf],
    rules: &Rules,
    policy: &Policy,
    files: &Files,
    until: &Until,
) -> Result<Judged, Failure> {
    let mut judged = Judged {
        hashes: Vec::new(),
        canonical: true,
        tensors: 0,
        not_finite: 0,
        found: Vec::new(),
    };
    let mut first: Option<(Model, Vec<String>)> = None;
    for (i, path) in paths.iter().enumerate() {
        let model = weights::open(path, rules, files)?;
        let hashes = model.hashes(until)?;
        judged.canonical &= model.canonical;
        judged.hashes.push(hashes.whole);
        match &first {
            None => {
                judged.tensors = model.tensors.len();
                for tensor in &model.tensors {
                    judged.not_finite += tensor.not_finite(until)?;
                }
                first = Some((model, hashes.each));
            }
            Some((one, each)) => {
                for difference in apart(one, each, &model, &hashes.each, policy, until)? {
                    judged.found.push(Found {
                        run: i + 1,
                        difference,
                    });
                }
            }
        }
    }
    Ok(judged)
}

/// What differs, in the order of the tensors' names.
fn apart(
    a: &Model,
    a_hashes: &[String],
    b: &Model,
    b_hashes: &[String],
    policy: &Policy,
    until: &Until,
) -> Result<Vec<Difference>, Failure> {
    let others: BTreeMap<&str, usize> = b
        .tensors
        .iter()
        .enumerate()
        .map(|(i, t)| (t.name.as_str(), i))
        .collect();
    let mut found = Vec::new();
    for (tensor, hash) in a.tensors.iter().zip(a_hashes) {
        match others.get(tensor.name.as_str()) {
            None => found.push(Difference::missing(&tensor.name)),
            Some(&i) => {
                let other = &b.tensors[i];
                if *hash != b_hashes[i] || tensor.kind != other.kind || tensor.shape != other.shape {
                    found.extend(difference(tensor, other, policy.of(&tensor.name), until)?);
                }
            }
        }
    }
    let known: Vec<&str> = a.tensors.iter().map(|t| t.name.as_str()).collect();
    found.extend(
        b.tensors
            .iter()
            .filter(|t| !known.contains(&t.name.as_str()))
            .map(|t| Difference::missing(&t.name)),
    );
    Ok(found)
}
