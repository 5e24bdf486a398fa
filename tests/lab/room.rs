//! A group of rows: healthy they pass, and each fault shows at its checks and at no others.

use std::collections::BTreeMap;
use std::path::PathBuf;

use specrun::check::Verdict;

use crate::faults::FAULTS;
use crate::shared::{Lab, Outcomes};
use crate::support::root;

/// A group of rows.
pub struct Room {
    /// Services that are started once and shared. What a run needs beyond them (a service that its fault changes) it
    /// starts itself.
    pub services: &'static [&'static str],
    /// Whether its specs judge times, so that nothing may run beside them.
    pub judges_times: bool,
    /// They pass in the healthy lab, and each notices its faults.
    pub specs: &'static [&'static str],
}

/// The lab as it should be.
const HEALTHY: &str = "examples/lab/lab.yaml";

/// A variant of the lab, the spec that must notice, and how: these checks do not pass, all others do.
pub struct Fault {
    /// The file in `examples/lab/faults`, without `.yaml`.
    pub environment: &'static str,
    pub spec: &'static str,
    pub checks: &'static [(&'static str, Verdict)],
}

impl Room {
    /// Its services are up.
    pub fn enter(&self) -> Lab {
        if self.judges_times {
            Lab::alone(self.services)
        } else {
            Lab::with(self.services)
        }
    }

    /// Runs the specs in the healthy lab, and each fault's spec in the broken one.
    pub fn stands(&self) {
        self.stands_in(HEALTHY, self.faults().into_iter());
    }

    /// Runs the specs in a healthy variant of the lab, and each fault's spec in the broken one.
    pub fn stands_in(&self, healthy: &str, faults: impl Iterator<Item = &'static Fault>) {
        let lab = self.enter();
        let healthy = lab.run(healthy, &self.files(), 0);
        all_passed(&healthy);
        // Two side by side, because a training keeps one processor busy for half of its time.
        let wrong: Vec<String> = faults
            .collect::<Vec<_>>()
            .chunks(2)
            .flat_map(|two| {
                std::thread::scope(|scope| {
                    let running: Vec<_> = two
                        .iter()
                        .map(|fault| scope.spawn(|| fault.unnoticed(&lab, &healthy)))
                        .collect();
                    running
                        .into_iter()
                        .filter_map(|r| r.join().unwrap())
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    fn files(&self) -> Vec<PathBuf> {
        self.specs.iter().map(|s| root().join(s)).collect()
    }

    /// The faults of its specs, in turns: those of one spec may share what they look at, and do not run side by side as
    /// long as there is another one.
    fn faults(&self) -> Vec<&'static Fault> {
        let mut all: Vec<(usize, &Fault)> = self
            .specs
            .iter()
            .flat_map(|spec| FAULTS.iter().filter(move |f| f.spec == *spec).enumerate())
            .collect();
        all.sort_by_key(|(turn, _)| *turn);
        all.into_iter().map(|(_, fault)| fault).collect()
    }
}

impl Fault {
    /// What differs from how it must show.
    fn unnoticed(&self, lab: &Lab, healthy: &Outcomes) -> Option<String> {
        let seen = lab.run(&self.file(), &[root().join(self.spec)], self.code());
        let spec = seen.keys().next()?.0.clone();
        let mut wanted: Outcomes = healthy
            .iter()
            .filter(|((s, _), _)| *s == spec)
            .map(|(key, verdict)| (key.clone(), *verdict))
            .collect();
        for (check, verdict) in self.checks {
            let key = (spec.clone(), (*check).to_owned());
            let before = wanted.insert(key.clone(), *verdict);
            assert_eq!(before, Some(Verdict::Passed), "{spec} has no check {check}");
            // A check that the action makes itself is not there when the action did not get so far.
            if *verdict == Verdict::Blocked && !seen.contains_key(&key) && !check.starts_with("expect[") {
                wanted.remove(&key);
            }
        }
        (seen != wanted).then(|| format!("{}:\n  saw    {seen:?}\n  wanted {wanted:?}", self.environment))
    }

    /// The environment's file.
    pub fn file(&self) -> String {
        format!("examples/lab/faults/{}.yaml", self.environment)
    }

    /// The exit code of the worst of its checks.
    fn code(&self) -> i32 {
        let is = |wanted| self.checks.iter().any(|(_, v)| *v == wanted);
        match () {
            () if is(Verdict::Failed) => 1,
            () if is(Verdict::Errored) || is(Verdict::Blocked) => 5,
            () => 6,
        }
    }
}

pub fn all_passed(outcomes: &Outcomes) {
    let others: BTreeMap<_, _> = outcomes.iter().filter(|(_, v)| **v != Verdict::Passed).collect();
    assert!(others.is_empty(), "{others:?}");
    assert!(!outcomes.is_empty(), "nothing was checked");
}
