//! `specrun prove`: would the checks notice, if what was recorded were wrong?

use serde_json::json;

use super::Exit;
use super::check::Format;
use super::output::Output;
use super::recorded::Which;
use crate::action::Registry;
use crate::evidence::{Fate, Proof, prove};
use crate::value::{Dimension, Quantity};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub which: Which,
    /// The least mutation score of every spec; below it the exit code is 1.
    #[arg(long, value_name = "SHARE", default_value = "100%", value_parser = share)]
    pub least: f64,
    /// How to say it.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
}

pub fn run(args: &Args, registry: &Registry, output: Output) -> Exit {
    let (journal, loaded) = match args.which.open(registry, output) {
        Ok(both) => both,
        Err(exit) => return exit,
    };
    let all = prove(&loaded.plan, &journal.events);
    let text = match args.format {
        Format::Text => all.iter().map(ToString::to_string).collect(),
        Format::Json => format!(
            "{:#}\n",
            json!({ "format": 1, "specs": all.iter().map(json_of).collect::<Vec<_>>() })
        ),
    };
    output.out(&text);
    if all
        .iter()
        .filter_map(Proof::score)
        .any(|score| score < args.least)
    {
        Exit::Failed
    } else if all.iter().any(|proof| proof.score().is_none()) {
        Exit::Inconclusive
    } else {
        Exit::Passed
    }
}

fn json_of(proof: &Proof) -> serde_json::Value {
    let (noticed, survived) = proof.counts();
    let mutants: Vec<serde_json::Value> = proof
        .mutants
        .iter()
        .map(|m| {
            json!({
                "place": m.place,
                "was": m.was,
                "becomes": m.becomes,
                "fate": match &m.fate {
                    Fate::Noticed { .. } => "noticed",
                    Fate::Allowed => "allowed",
                    Fate::Survived => "survived",
                },
                "noticed_by": match &m.fate {
                    Fate::Noticed { check, .. } => Some(check),
                    Fate::Allowed | Fate::Survived => None,
                },
                "sentence": m.to_string(),
            })
        })
        .collect();
    json!({
        "id": proof.id,
        "title": proof.title,
        "score": proof.score(),
        "noticed": noticed,
        "survived": survived,
        "left_out": proof.left_out,
        "unusable": proof.unusable,
        "mutants": mutants,
    })
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(Quantity {
            value,
            dimension: Dimension::Ratio,
        }) if (0.0..=1.0).contains(&value) => Ok(value),
        _ => Err(format!("`{text}` is not a share; write `90%`")),
    }
}
