//! Whether the generator was the bottleneck: a check of every load, which can be loosened and not taken away.

use super::outputs::Generator;
use super::params::GeneratorLimits;
use crate::action::OwnCheck;
use crate::check::{CheckOutcome, Verdict};
use crate::event::Severity;
use crate::tools::load::Tally;
use crate::value::{Duration, Ratio};

/// What makes its numbers worthless, in words; none when all is well.
pub fn trouble(generator: &Generator, limits: &GeneratorLimits, tally: &Tally) -> Option<String> {
    let mut all = Vec::new();
    if tally.sum(|_| true).sent == 0 {
        all.push("nothing was sent".to_owned());
    }
    if tally.cut {
        all.push("it was stopped before all was sent".to_owned());
    }
    if generator.dropped > limits.drops {
        all.push(format!(
            "{} requests were dropped because `max_connections` were under way (limit {})",
            generator.dropped, limits.drops
        ));
    }
    if generator.lag.0 > limits.lag.0 {
        all.push(format!(
            "requests were sent up to {} late (p99; limit {})",
            shown(generator.lag),
            limits.lag
        ));
    }
    if generator.cpu.0 > limits.cpu.0 {
        all.push(format!(
            "its busiest thread computed {} of the time (limit {})",
            percent(generator.cpu),
            limits.cpu
        ));
    }
    (!all.is_empty()).then(|| all.join(", "))
}

/// The check, for the report.
pub fn check(generator: &Generator, trouble: Option<&str>) -> OwnCheck {
    let outcome = match trouble {
        None => CheckOutcome::new(
            Verdict::Passed,
            format!(
                "lag p99 {}, {} of a processor, {} dropped",
                shown(generator.lag),
                percent(generator.cpu),
                generator.dropped
            ),
        ),
        Some(why) => {
            let mut outcome = CheckOutcome::new(
                Verdict::Inconclusive,
                format!("the generator was the bottleneck, not the service: {why}"),
            );
            outcome.details.push(
                "ask for less, give it more `threads`, `workers` or `max_connections`, or free the machine it runs on"
                    .to_owned(),
            );
            outcome
        }
    };
    OwnCheck {
        id: "generator".to_owned(),
        text: "the generator was not the bottleneck".to_owned(),
        severity: Severity::Critical,
        outcome,
    }
}

fn shown(time: Duration) -> String {
    crate::value::Quantity::from(time).short()
}

fn percent(share: Ratio) -> String {
    crate::value::Quantity::from(share).short()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::load::{Cell, Place};

    fn generator() -> Generator {
        Generator {
            lag: Duration(0.001),
            longest_lag: Duration(0.002),
            cpu: Ratio(0.1),
            cpu_per_request: Duration(0.00002),
            dropped: 0,
            connections: 1,
            threads: 1,
            looks: 1,
        }
    }

    fn sent() -> Tally {
        let place = Place {
            kind: 0,
            part: 0,
            step: 0,
        };
        let cell = Cell {
            sent: 1,
            ..Cell::default()
        };
        Tally {
            cells: [(place, cell)].into(),
            ..Tally::default()
        }
    }

    #[test]
    fn each_sign_of_a_bottleneck_is_named_and_makes_it_inconclusive() {
        let limits = GeneratorLimits::default();
        let well = generator();
        assert_eq!(trouble(&well, &limits, &sent()), None);
        assert_eq!(
            trouble(&well, &limits, &Tally::default()).unwrap(),
            "nothing was sent"
        );
        assert_eq!(check(&well, None).outcome.verdict, Verdict::Passed);
        let cut = Tally { cut: true, ..sent() };
        for (generator, tally, word) in [
            (generator(), cut, "stopped before"),
            (
                Generator {
                    dropped: 1,
                    ..generator()
                },
                sent(),
                "1 requests were dropped",
            ),
            (
                Generator {
                    lag: Duration(0.06),
                    ..generator()
                },
                sent(),
                "60ms late",
            ),
            (
                Generator {
                    cpu: Ratio(0.95),
                    ..generator()
                },
                sent(),
                "95% of the time",
            ),
        ] {
            let why = trouble(&generator, &limits, &tally).unwrap();
            assert!(why.contains(word), "{why}");
            let outcome = check(&generator, Some(&why)).outcome;
            assert_eq!(outcome.verdict, Verdict::Inconclusive);
            assert!(outcome.message.contains("bottleneck"), "{}", outcome.message);
        }
        let loose = GeneratorLimits {
            drops: 5,
            ..GeneratorLimits::default()
        };
        let dropped = Generator {
            dropped: 5,
            ..generator()
        };
        assert_eq!(trouble(&dropped, &loose, &sent()), None);
    }
}
