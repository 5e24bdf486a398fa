//! Would a check notice? The outputs of a passed run are made wrong, one value at a time, and the checks are asked
//! again.
//!
//! Only values that a check refers to are changed: what no check looks at is not asked for. A mutant that the action
//! itself could never give (text where a number is promised) is left out, since decoding it would fail. A check that
//! sets a limit cannot notice everything: where one change of a value is noticed, other changes of the same kind
//! that stay within the limit count as allowed, not as survived.

use std::collections::{BTreeMap, HashSet};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value as Json;

use super::mutate::{self, Key, Kind, Mutation};
use super::recording::Recording;
use super::touched::{self, Part, Place};
use super::world::{Got, World, checks, read_output};
use crate::check::{Class, Failure, Verdict};
use crate::event::{Event, Role, Severity};
use crate::plan::{ExpectFailure, NodeIx, Plan, SpecPlan};
use crate::value::SpecId;

/// Mutants tried for one spec.
const MOST: usize = 5000;

/// What a spec's checks notice.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Proof {
    pub id: SpecId,
    pub title: String,
    /// Why nothing could be proved: the run is not one in which the spec passed.
    pub unusable: Option<String>,
    pub mutants: Vec<Mutant>,
    /// Mutants that were left out because there were too many.
    pub left_out: usize,
}

/// One value that was made wrong.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Mutant {
    /// Where: `train.accuracy`, `list.pods[*].phase`.
    pub place: String,
    pub kind: Kind,
    pub was: Option<Json>,
    /// None: it was taken away.
    pub becomes: Option<Json>,
    pub fate: Fate,
}

/// What became of a mutant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// This check was no longer passed.
    Noticed { check: String, verdict: Verdict },
    /// Not noticed, but another change of this kind is: it stays within what the checks allow.
    Allowed,
    /// Not noticed.
    Survived,
}

impl Proof {
    /// Noticed and survived.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let count = |is: fn(&Fate) -> bool| self.mutants.iter().filter(|m| is(&m.fate)).count();
        (
            count(|f| matches!(f, Fate::Noticed { .. })),
            count(|f| *f == Fate::Survived),
        )
    }

    /// The share of mutants that a check noticed, of those that a check should; none when there are none.
    #[must_use]
    pub fn score(&self) -> Option<f64> {
        let (noticed, survived) = self.counts();
        let all = noticed + survived;
        (self.unusable.is_none() && all > 0).then(|| noticed as f64 / all as f64)
    }

    pub fn survivors(&self) -> impl Iterator<Item = &Mutant> {
        self.mutants.iter().filter(|m| m.fate == Fate::Survived)
    }
}

/// Makes the recorded outputs wrong and asks the checks of every spec.
#[must_use]
pub fn prove(plan: &Plan, events: &[Event]) -> Vec<Proof> {
    let recording = Recording::of(events);
    plan.specs.iter().map(|spec| one(spec, &recording)).collect()
}

fn one(plan: &SpecPlan, recording: &Recording) -> Proof {
    let mut proof = Proof {
        id: plan.id.clone(),
        title: plan.title.clone(),
        unusable: None,
        mutants: Vec::new(),
        left_out: 0,
    };
    let Some(spec) = recording.specs.get(&plan.id) else {
        proof.unusable = Some("the recorded run does not have this spec".to_owned());
        return proof;
    };
    if spec.verdict != Some(Verdict::Passed) {
        let was = spec.verdict.map_or("cut off", Verdict::word);
        proof.unusable = Some(format!(
            "it was {was} in the recorded run, and only a passed run can be made wrong"
        ));
        return proof;
    }
    let mut world = World::new(plan, spec, recording);
    let bad = world
        .judge()
        .into_iter()
        .find(|j| counts(j.info.severity) && j.outcome.verdict != Verdict::Passed);
    if let Some(bad) = bad {
        proof.unusable = Some(format!(
            "its check `{}` does not pass on the recorded outputs: {}",
            bad.info.text, bad.outcome.message
        ));
        return proof;
    }
    let looked_at = looked_at(plan);
    for (ix, places) in looked_at {
        for (place, literals) in places {
            values(&mut world, ix, &place, &literals, &mut proof);
        }
    }
    for ix in 0..plan.steps.len() {
        failures(&mut world, ix, &mut proof);
    }
    allow(&mut proof.mutants);
    proof
}

type Places = Vec<(Place, Vec<Json>)>;

/// What checks look at, by step: each place once, with everything it is compared with.
fn looked_at(plan: &SpecPlan) -> BTreeMap<NodeIx, Places> {
    let mut all: BTreeMap<NodeIx, Places> = BTreeMap::new();
    let counted = |role| matches!(role, Role::Precondition | Role::Step);
    let of_steps = plan
        .steps
        .iter()
        .enumerate()
        .filter(|(_, s)| counted(s.role))
        .flat_map(|(ix, s)| checks(s).map(move |c| (Some(ix), c)));
    let own = plan.expect.iter().map(|c| (None, c));
    for (owner, check) in of_steps.chain(own).filter(|(_, c)| counts(c.info.severity)) {
        let literals = touched::literals(&check.expr);
        for mut place in touched::places(&check.expr) {
            let step = match owner {
                Some(ix) if place.root == "." => Some(ix),
                _ => plan.steps.iter().position(|s| s.id.as_str() == place.root),
            };
            let Some(ix) = step else { continue };
            // A step with `for_each` is a list to others, each with its own output.
            let from_outside = place.root != "." && owner != Some(ix);
            if from_outside && plan.steps[ix].for_each.is_some() {
                match place.path.first() {
                    Some(Part::Each | Part::Index(_)) => drop(place.path.remove(0)),
                    _ => continue,
                }
            }
            plan.steps[ix].id.as_str().clone_into(&mut place.root);
            let places = all.entry(ix).or_default();
            match places.iter_mut().find(|(p, _)| *p == place) {
                Some((_, known)) => known.extend(
                    literals
                        .iter()
                        .filter(|l| !known.contains(l))
                        .cloned()
                        .collect::<Vec<_>>(),
                ),
                None => places.push((place, literals.clone())),
            }
        }
    }
    all
}

/// Makes the value at one place wrong in every way.
fn values(world: &mut World, ix: NodeIx, place: &Place, literals: &[Json], proof: &mut Proof) {
    let Some(Got::Output(output, _)) = world.steps[ix].turns.first().map(|t| t.got.clone()) else {
        return;
    };
    // One element may be enough to notice (`all`), or it takes every one (`any`): either will do.
    let mut variants = vec![mutate::pointers(&output, &place.path, false)];
    let all = mutate::pointers(&output, &place.path, true);
    if all.len() > 1 {
        variants.push(all);
    }
    let Some(first) = variants[0].first().cloned() else {
        return;
    };
    let name = match first.last() {
        Some(Key::Field(name)) => name.as_str(),
        Some(Key::Index(_)) | None => "",
    };
    let was = mutate::at(&output, &first).cloned();
    let mut seen = HashSet::new();
    for Mutation { kind, becomes } in mutate::mutations(was.as_ref(), name, literals) {
        if proof.mutants.len() >= MOST {
            proof.left_out += 1;
            continue;
        }
        let mut possible = false;
        let mut fate = Fate::Survived;
        for keys in &variants {
            let mut wrong = output.clone();
            // From the end, so that taking one element away does not move the others.
            let put = keys
                .iter()
                .rev()
                .filter(|k| mutate::put(&mut wrong, k, becomes.as_ref()))
                .count();
            if put == 0 || wrong == output {
                continue;
            }
            let got = read_output(&wrong, &world.plan.steps[ix].output);
            if !matches!(got, Got::Output(..)) {
                continue;
            }
            possible = true;
            if let Some(noticed) = notice(world, ix, 0, got) {
                fate = noticed;
                break;
            }
        }
        let shown = (kind, becomes.clone());
        if possible && seen.insert(format!("{shown:?}")) {
            proof.mutants.push(Mutant {
                place: place.to_string(),
                kind,
                was: was.clone(),
                becomes,
                fate,
            });
        }
    }
}

/// Makes an expected failure another one, and no failure at all.
fn failures(world: &mut World, ix: NodeIx, proof: &mut Proof) {
    let step = &world.plan.steps[ix];
    let Some(wanted) = step.expect_failure.clone() else {
        return;
    };
    let Some(Got::Failure(failure)) = world.steps[ix].turns.first().map(|t| t.got.clone()) else {
        return;
    };
    let place = format!("the failure of `{}`", step.id);
    let mut other = vec![(
        Json::String("success".to_owned()),
        Got::Output(Json::Null, crate::value::Value::Null),
    )];
    other.extend(other_failures(&wanted, &failure).map(|(words, f)| (Json::String(words), Got::Failure(f))));
    let was = Json::String(failure.to_string());
    for (becomes, got) in other {
        proof.mutants.push(Mutant {
            place: place.clone(),
            kind: Kind::Flag,
            was: Some(was.clone()),
            becomes: Some(becomes),
            fate: notice(world, ix, 0, got).unwrap_or(Fate::Survived),
        });
    }
}

fn other_failures(wanted: &ExpectFailure, failure: &Failure) -> impl Iterator<Item = (String, Failure)> {
    let mut all = Vec::new();
    let mut dead = Failure::new(Class::Unreachable, "connection refused");
    dead.details.clear();
    all.push(("a dead server".to_owned(), dead));
    // Who asks for a status wants to know it from others of the same class, and the other way round.
    if wanted.status.is_some() || wanted.class.is_some() {
        let mut broken = failure.clone();
        broken.class = Class::Server;
        broken.status = Some(500);
        all.push(("a broken server (status 500)".to_owned(), broken));
    }
    if let Some(code) = wanted.exit_code {
        let mut other = failure.clone();
        other.exit_code = Some(if code == 127 { 126 } else { 127 });
        all.push(("another exit code".to_owned(), other));
    }
    all.into_iter()
}

/// Whether a check no longer passes when a step gives something else.
fn notice(world: &mut World, ix: NodeIx, turn: usize, got: Got) -> Option<Fate> {
    let right = std::mem::replace(&mut world.steps[ix].turns[turn].got, got);
    world.refresh(ix);
    let fate = world
        .judge_around(ix)
        .into_iter()
        .find(|j| counts(j.info.severity) && j.outcome.verdict != Verdict::Passed)
        .map(|j| Fate::Noticed {
            check: j.info.id.clone(),
            verdict: j.outcome.verdict,
        });
    world.steps[ix].turns[turn].got = right;
    world.refresh(ix);
    fate
}

/// A limit that notices one change of a value allows the others of its kind.
fn allow(mutants: &mut [Mutant]) {
    let noticed: HashSet<(String, Kind)> = mutants
        .iter()
        .filter(|m| matches!(m.fate, Fate::Noticed { .. }))
        .map(|m| (m.place.clone(), m.kind))
        .collect();
    for m in mutants {
        let limit = match m.kind {
            Kind::Number | Kind::Content => true,
            // Any other text is allowed only where a check names the bad ones; an empty one never is.
            Kind::Text => m.becomes.as_ref().and_then(Json::as_str) != Some(""),
            Kind::Status | Kind::Flag | Kind::Presence => false,
        };
        if m.fate == Fate::Survived && limit && noticed.contains(&(m.place.clone(), m.kind)) {
            m.fate = Fate::Allowed;
        }
    }
}

fn counts(severity: Severity) -> bool {
    severity == Severity::Critical
}
