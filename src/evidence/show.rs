//! Replays and proofs as text for people.

use std::fmt;

use serde_json::Value as Json;

use super::{Change, CheckReplay, Fate, Mutant, Proof, SpecReplay};
use crate::check::Verdict;

/// Bytes of a value in a sentence.
const VALUE: usize = 80;

impl fmt::Display for Mutant {
    /// A sentence: "if `train.accuracy` were 0 (it was 0.97), no check would notice".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let was = match &self.was {
            Some(was) => format!("it was {}", shown(was)),
            None => "it was missing".to_owned(),
        };
        match (&self.becomes, self.place.starts_with("the failure")) {
            (Some(Json::String(other)), true) => {
                write!(f, "if there were {other} instead of {} ({was})", self.place)?;
            }
            (Some(Json::Null), _) => write!(f, "if `{}` were null ({was})", self.place)?,
            (Some(other), _) => write!(f, "if `{}` were {} ({was})", self.place, shown(other))?,
            (None, _) => write!(f, "if `{}` were missing ({was})", self.place)?,
        }
        match &self.fate {
            Fate::Noticed { check, verdict } => write!(f, ", `{check}` would be {verdict}"),
            Fate::Allowed => f.write_str(", the checks would allow it"),
            Fate::Survived => f.write_str(", no check would notice"),
        }
    }
}

impl fmt::Display for Proof {
    /// A headline with the score, then the surviving mutants, a line each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (noticed, survived) = self.counts();
        let allowed = self.mutants.len() - noticed - survived;
        match (&self.unusable, self.score()) {
            (Some(why), _) => writeln!(f, "{}  not proved: {why}", self.id)?,
            (None, None) => writeln!(f, "{}  not proved: no check looks at a recorded value", self.id)?,
            (None, Some(score)) => {
                // Never rounded up to 100 %.
                let percent = (score * 1000.0).floor() / 10.0;
                write!(
                    f,
                    "{}  {percent}%: {noticed} of {} wrong values noticed",
                    self.id,
                    noticed + survived
                )?;
                if allowed > 0 {
                    write!(f, ", {allowed} within what the checks allow")?;
                }
                if self.left_out > 0 {
                    write!(f, ", {} more not tried", self.left_out)?;
                }
                writeln!(f)?;
            }
        }
        for m in self.survivors() {
            writeln!(f, "  {m}")?;
        }
        Ok(())
    }
}

impl fmt::Display for CheckReplay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict =
            |o: &Option<crate::check::CheckOutcome>| o.as_ref().map_or("absent", |o| o.verdict.word());
        let (before, after) = (verdict(&self.before), verdict(&self.after));
        let text = &self.check.text;
        let place = &self.check.place;
        match self.change {
            Change::Same => write!(f, "{after}: {text}")?,
            Change::Verdict => write!(f, "{after}, was {before}: {text}")?,
            Change::New => write!(f, "{after}, new: {text}")?,
            Change::Gone => write!(f, "gone, was {before}: {text}")?,
        }
        if let Some(after) = &self.after {
            write!(
                f,
                "\n    at {}:{}:{}\n    {}",
                place.file, place.line, place.col, after.message
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for SpecReplay {
    /// A headline, then every check whose verdict is not what it was, then notes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |v: Option<Verdict>| v.map_or("without verdict", Verdict::word);
        match (self.before, self.after) {
            (_, None) => writeln!(f, "{}  not replayed", self.id)?,
            (before, after) if before == after => writeln!(f, "{}  {} as before", self.id, word(after))?,
            (before, after) => writeln!(f, "{}  {}, was {}", self.id, word(after), word(before))?,
        }
        for c in self.checks.iter().filter(|c| c.change != Change::Same) {
            writeln!(f, "  {c}")?;
        }
        for note in &self.notes {
            writeln!(f, "  note: {note}")?;
        }
        Ok(())
    }
}

fn shown(json: &Json) -> String {
    let text = json.to_string();
    let mut end = text.len().min(VALUE);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    if end < text.len() {
        format!("{}…", &text[..end])
    } else {
        text
    }
}
