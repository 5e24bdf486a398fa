//! What is said when specrun itself has a mistake.
//!
//! A panic in an action is a failure of its step, told by the report: nothing is printed for it. Any other is one line
//! with its place. What it said is not printed, for it may hold what was secret; `RUST_BACKTRACE=1` shows everything.

use std::panic::PanicHookInfo;

/// The threads whose panics end up in the report.
pub const REPORTED: &str = "actions";

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
    if thread == Some(REPORTED) {
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
        assert_eq!(line(Some(REPORTED), Some("src/a.rs:1:2")), None);
        for thread in [None, Some("main"), Some("engine")] {
            let said = line(thread, Some("src/a.rs:1:2")).unwrap_or_default();
            assert!(said.contains("at src/a.rs:1:2;"), "{thread:?}: {said}");
        }
    }
}
