//! What a load leaves in the run directory.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;

use polars::prelude::{Column, DataFrame, NamedFrom, ParquetWriter, PolarsResult, Series};
use serde_json::json;

use super::prepare::Plan;
use crate::action::{Class, Context, Failure};
use crate::tools::load::{Job, Record, Tally, UNIT};

/// Requests in one file: as many as are kept in memory at once.
const ROWS: usize = 1_000_000;

/// Writes the histograms and counts, which can be merged with those of other loads.
pub fn histograms(plan: &Plan, tally: &Tally, cx: &Context) -> Result<PathBuf, Failure> {
    let tags: Vec<&str> = plan.job.kinds.iter().map(|k| k.tag.as_str()).collect();
    let text = json!({
        "unit": format!("{UNIT:e}s"),
        "step": plan.job.step.as_secs_f64() * f64::from(1_u32 << tally.coarse.min(31)),
        "tags": tags,
        "parts": plan.parts,
        "tally": tally,
    })
    .to_string();
    let path = cx.artifact("histograms.json").map_err(|e| unwritten(&e))?;
    std::fs::write(&path, cx.tools.redactor.redact(&text)).map_err(|e| unwritten(&e))?;
    Ok(path)
}

/// Writes every request while they come.
pub struct Writing(std::thread::JoinHandle<Result<Vec<PathBuf>, Failure>>);

pub fn requests(
    records: Receiver<Vec<Record>>,
    job: &Job,
    turn: u32,
    cx: &Context,
) -> Result<Writing, Failure> {
    let folder = cx.artifact("").map_err(|e| unwritten(&e))?;
    let tags: Vec<String> = job.kinds.iter().map(|k| k.tag.clone()).collect();
    let thread = std::thread::Builder::new()
        .name("load-records".to_owned())
        .spawn(move || {
            let mut files = Vec::new();
            let mut rows: Vec<Record> = Vec::new();
            let mut put = |rows: &mut Vec<Record>| {
                let path = folder.join(format!("requests-{turn}-{}.parquet", files.len() + 1));
                write(&path, rows, &tags)?;
                files.push(path);
                rows.clear();
                Ok::<_, Failure>(())
            };
            for handful in records {
                rows.extend(handful);
                if rows.len() >= ROWS {
                    put(&mut rows)?;
                }
            }
            if !rows.is_empty() {
                put(&mut rows)?;
            }
            Ok(files)
        })
        .map_err(|e| unwritten(&e))?;
    Ok(Writing(thread))
}

impl Writing {
    /// Waits for the last file. The threads that send must have ended.
    pub async fn finish(self) -> Result<Vec<PathBuf>, Failure> {
        tokio::task::spawn_blocking(move || self.0.join())
            .await
            .ok()
            .and_then(Result::ok)
            .unwrap_or_else(|| Err(Failure::new(Class::Internal, "writing the requests broke down")))
    }
}

fn write(path: &Path, rows: &[Record], tags: &[String]) -> Result<(), Failure> {
    let file = File::create(path).map_err(|e| unwritten(&e))?;
    table(rows, tags)
        .and_then(|mut table| ParquetWriter::new(file).finish(&mut table))
        .map(|_| ())
        .map_err(|e| unwritten(&e))
}

/// Times in seconds from the start; nothing where there is none.
fn table(rows: &[Record], tags: &[String]) -> PolarsResult<DataFrame> {
    let seconds = |nanoseconds: u64| nanoseconds as f64 * 1e-9;
    let column = |name: &str, values: Vec<Option<f64>>| Column::from(Series::new(name.into(), values));
    let tag = |r: &Record| tags.get(usize::from(r.kind)).map_or("", String::as_str);
    DataFrame::new(
        rows.len(),
        vec![
            Column::from(Series::new(
                "tag".into(),
                rows.iter().map(tag).collect::<Vec<_>>(),
            )),
            Column::from(Series::new(
                "part".into(),
                rows.iter().map(|r| r.part.map(u32::from)).collect::<Vec<_>>(),
            )),
            column("intended", rows.iter().map(|r| Some(seconds(r.due))).collect()),
            column("sent", rows.iter().map(|r| r.sent.map(seconds)).collect()),
            column(
                "ended",
                rows.iter().map(|r| r.sent.map(|_| seconds(r.done))).collect(),
            ),
            column("latency", rows.iter().map(|r| r.latency().map(seconds)).collect()),
            Column::from(Series::new(
                "status".into(),
                rows.iter()
                    .map(|r| (r.status != 0).then(|| u32::from(r.status)))
                    .collect::<Vec<_>>(),
            )),
            Column::from(Series::new(
                "error".into(),
                rows.iter()
                    .map(|r| {
                        r.wrong
                            .map(|w| w.word())
                            .or_else(|| r.sent.is_none().then(|| "dropped".to_owned()))
                    })
                    .collect::<Vec<_>>(),
            )),
        ],
    )
}

fn unwritten(e: &dyn std::fmt::Display) -> Failure {
    Failure::new(
        Class::Internal,
        format!("the figures of the load cannot be kept: {e}"),
    )
}
