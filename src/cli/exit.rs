//! The exit codes: documented, stable, and the only place with their numbers.

use crate::event::{Severity, Summary};

macro_rules! exits {
    ($($(#[doc = $doc:literal])* $name:ident = $code:literal;)*) => {
        /// How the program ends.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Exit {
            $($(#[doc = $doc])* $name,)*
        }

        impl Exit {
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The number the shell sees.
            #[must_use]
            pub const fn code(self) -> u8 {
                match self { $(Self::$name => $code),* }
            }

            /// When it is given, for the reference.
            #[must_use]
            pub const fn explanation(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc, "\n"),*)),* }
            }
        }
    };
}

exits! {
    /// Every selected spec passed.
    Passed = 0;
    /// At least one expectation is false.
    Failed = 1;
    /// The command line is wrong; nothing was done.
    Usage = 2;
    /// A spec, the environment or the project file is wrong; nothing ran.
    Invalid = 3;
    /// No spec was selected. A gate that checked nothing is not green.
    NothingSelected = 4;
    /// A step broke, so nothing can be said, or a precondition was not met.
    Errored = 5;
    /// Not enough evidence either way.
    Inconclusive = 6;
    /// Something a spec created could not be removed; `specrun clean` tries again.
    CleanupIncomplete = 7;
    /// A mistake in specrun itself.
    Internal = 70;
    /// A report, or the journal, could not be written whole.
    ReportNotWritten = 74;
    /// A spec wanted a power that the policy does not grant; the message names the flag that would grant it.
    NotGranted = 77;
    /// Ended by the terminal going away (SIGHUP); cleanup ran.
    HungUp = 129;
    /// Ended by Ctrl-C (SIGINT); cleanup ran.
    Interrupted = 130;
    /// Ended by SIGTERM; cleanup ran.
    Terminated = 143;
}

impl Exit {
    /// What a run comes to. With several reasons the first of these decides: internal error, not granted, a signal,
    /// failed, errored or blocked, inconclusive, cleanup incomplete, report not written.
    ///
    /// `fail_on` is the least severity that counts. A signal comes before the verdicts because they are not whole
    /// then; the reports have what is known.
    #[must_use]
    pub fn of_run(summary: &Summary, fail_on: Severity, reports_written: bool) -> Self {
        let mut counts = vec![summary.critical];
        if fail_on <= Severity::Warning {
            counts.push(summary.warning);
        }
        if fail_on <= Severity::Info {
            counts.push(summary.info);
        }
        let any = |f: fn(&crate::event::Counts) -> u64| counts.iter().any(|c| f(c) > 0);
        // A deadline ends a run too; what it cut off counts as cancelled, below.
        let signal = match summary.interrupted_by.as_deref() {
            Some("SIGHUP") => Some(Self::HungUp),
            Some("SIGINT") => Some(Self::Interrupted),
            Some("SIGTERM") => Some(Self::Terminated),
            _ => None,
        };
        if summary.internal {
            Self::Internal
        } else if summary.not_granted {
            Self::NotGranted
        } else if let Some(signal) = signal {
            signal
        } else if any(|c| c.failed) {
            Self::Failed
        } else if any(|c| c.errored + c.blocked + c.cancelled) || !summary.finished {
            Self::Errored
        } else if any(|c| c.inconclusive) {
            Self::Inconclusive
        } else if !summary.cleanup_open.is_empty() {
            Self::CleanupIncomplete
        } else if !reports_written {
            Self::ReportNotWritten
        } else {
            Self::Passed
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::Exit;
    use crate::event::{Counts, Severity, Summary};

    fn finished() -> Summary {
        Summary {
            finished: true,
            ..Summary::default()
        }
    }

    #[test]
    fn numbers_are_unique_and_explained() {
        let mut seen = std::collections::HashSet::new();
        for exit in Exit::ALL {
            assert!(seen.insert(exit.code()), "{} stands twice", exit.code());
            assert!(exit.explanation().len() > 20, "{} is not explained", exit.code());
        }
    }

    #[test]
    fn every_reason_alone_has_its_code() {
        type Change = fn(&mut Summary);
        let cases: &[(Change, Exit)] = &[
            (|s| s.critical.passed = 1, Exit::Passed),
            (|s| s.critical.failed = 1, Exit::Failed),
            (|s| s.critical.errored = 1, Exit::Errored),
            (|s| s.critical.blocked = 1, Exit::Errored),
            (|s| s.critical.cancelled = 1, Exit::Errored),
            (|s| s.critical.inconclusive = 1, Exit::Inconclusive),
            (|s| s.cleanup_open.push("x".into()), Exit::CleanupIncomplete),
            (|s| s.internal = true, Exit::Internal),
            (|s| s.not_granted = true, Exit::NotGranted),
            (|s| s.interrupted_by = Some("SIGINT".into()), Exit::Interrupted),
            (|s| s.interrupted_by = Some("SIGTERM".into()), Exit::Terminated),
            (|s| s.interrupted_by = Some("SIGHUP".into()), Exit::HungUp),
            (|s| s.finished = false, Exit::Errored),
            (
                |s| {
                    s.interrupted_by = Some("deadline".into());
                    s.critical.cancelled = 1;
                },
                Exit::Errored,
            ),
        ];
        for (i, (change, want)) in cases.iter().enumerate() {
            let mut summary = finished();
            change(&mut summary);
            assert_eq!(
                Exit::of_run(&summary, Severity::Critical, true),
                *want,
                "case {i}"
            );
        }
        assert_eq!(
            Exit::of_run(&finished(), Severity::Critical, false),
            Exit::ReportNotWritten
        );
    }

    #[test]
    fn the_first_reason_decides() {
        // Each line adds a reason that comes before all earlier ones.
        type Change = fn(&mut Summary);
        let order: &[(Change, Exit)] = &[
            (|s| s.cleanup_open.push("x".into()), Exit::CleanupIncomplete),
            (|s| s.critical.inconclusive = 1, Exit::Inconclusive),
            (|s| s.critical.errored = 1, Exit::Errored),
            (|s| s.critical.failed = 1, Exit::Failed),
            (|s| s.interrupted_by = Some("SIGTERM".into()), Exit::Terminated),
            (|s| s.not_granted = true, Exit::NotGranted),
            (|s| s.internal = true, Exit::Internal),
        ];
        let mut summary = finished();
        for (change, want) in order {
            change(&mut summary);
            assert_eq!(Exit::of_run(&summary, Severity::Critical, false), *want);
        }
    }

    #[test]
    fn lesser_severities_count_only_when_asked() {
        let mut summary = finished();
        summary.warning = Counts {
            failed: 1,
            ..Counts::default()
        };
        summary.info = Counts {
            errored: 1,
            ..Counts::default()
        };
        assert_eq!(Exit::of_run(&summary, Severity::Critical, true), Exit::Passed);
        assert_eq!(Exit::of_run(&summary, Severity::Warning, true), Exit::Failed);
        summary.warning.failed = 0;
        assert_eq!(Exit::of_run(&summary, Severity::Warning, true), Exit::Passed);
        assert_eq!(Exit::of_run(&summary, Severity::Info, true), Exit::Errored);
    }
}
