//! Offline values through the project's own Python and Feast's SDK: slower than a join over files, and right for every
//! offline store.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::entities::Entities;
use super::sources::Bridge;
use super::when::{self, Micros};
use crate::action::{Class, Context, Failure};
use crate::tools::http::parse_json;
use crate::tools::process::Command;

const PROGRAM: &str = include_str!("bridge.py");

/// How much of its answer is read.
const MOST: usize = 1 << 30;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answered {
    row: usize,
    values: BTreeMap<String, Json>,
}

/// The values of each entity by whole name; none for an entity that the store has nothing for, or only what is older
/// than its ttl.
///
/// # Errors
/// What the program says when it fails; an answer of another shape.
pub(super) async fn ask(
    bridge: &Bridge,
    features: &[String],
    entities: &Entities,
    at: Micros,
    cx: &Context,
) -> Result<Vec<Option<BTreeMap<String, Json>>>, Failure> {
    let mut words = bridge.run.iter().cloned();
    let program = words.next().ok_or_else(|| {
        Failure::new(
            Class::BadParameter,
            "the environment's `endpoints.feast.bridge.run` is empty",
        )
    })?;
    let mut command = Command::new(program, words);
    command
        .args
        .extend(["-c".to_owned(), PROGRAM.to_owned(), bridge.repo.clone()]);
    command.dir.clone_from(&cx.base_dir);
    let query = json!({"entities": entities.columns, "features": features, "at": when::show(at)});
    command.stdin = Some(query.to_string().into_bytes());
    command.keep = MOST;
    command.most = MOST as u64;
    let until = cx.until();
    let done = cx.tools.process.run(command, &until).await?;
    if done.code != Some(0) {
        return Err(done.failure());
    }
    let last = done.stdout.text.lines().rev().find(|l| !l.trim().is_empty());
    let wrong = |why: String| {
        Failure::new(
            Class::UnreadableAnswer,
            format!("the answer of the feast bridge cannot be read: {why}"),
        )
    };
    let json = parse_json(last.unwrap_or_default().as_bytes()).map_err(|e| wrong(e.0))?;
    let rows: Vec<Answered> = serde_json::from_value(json).map_err(|e| wrong(e.to_string()))?;
    let mut found = vec![None; entities.rows];
    for row in rows {
        let place = found
            .get_mut(row.row)
            .ok_or_else(|| wrong(format!("there is no row {}", row.row)))?;
        *place = Some(row.values);
    }
    Ok(found)
}
