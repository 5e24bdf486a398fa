//! What is said when specrun itself has a mistake.
//!
//! A panic in an action is a failure of its step, told by the report, and so is one in the threads of polars, which hand
//! it on to the action that asked: nothing is printed for them. Any other is one line
//! with its place. What it said is not printed, for it may hold what was secret; `RUST_BACKTRACE=1` shows everything.

use std::panic::PanicHookInfo;

/// The threads whose panics end up in the report.
pub const REPORTED: &str = "actions";
/// The beginnings of the names of polars' threads.
const OF_POLARS: [&str; 2] = ["async-executor-", "polars-"];

/// Replaces what the standard library prints about a panic.
pub fn install() {
    let shown = std::env::var_os("RUST_BACKTRACE").is_some_and(|v| !v.is_empty() && v != "0");
    if shown {
        return;
    }
    std::panic::set_hook(Box::new(|info: &PanicHookInfo<'_>| {
        let place = info.location().map(ToString::to_string);
        if let Some(line) = line(std::thread::current().name(), place.as_deref()) {
            super::Output::new(super::Color::Never).err(&line);
        }
    }));
}

fn line(thread: Option<&str>, place: Option<&str>) -> Option<String> {
    let of_polars = |thread: &str| OF_POLARS.iter().any(|beginning| thread.starts_with(beginning));
    if thread.is_some_and(|thread| thread == REPORTED || of_polars(thread)) {
        return None;
    }
    let place = place.unwrap_or("an unknown place");
    Some(format!(
        "specrun: a mistake in specrun itself, at {place}; with RUST_BACKTRACE=1 it says more\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_silent_and_all_others_name_their_place() {
        for thread in [REPORTED, "async-executor-3", "polars-0"] {
            assert_eq!(line(Some(thread), Some("src/a.rs:1:2")), None);
        }
        for thread in [None, Some("main"), Some("engine")] {
            let said = line(thread, Some("src/a.rs:1:2")).unwrap_or_default();
            assert!(said.contains("at src/a.rs:1:2;"), "{thread:?}: {said}");
        }
    }
}
