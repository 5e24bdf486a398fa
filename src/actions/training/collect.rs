//! One run of the training, and the model it left.

use std::path::{Path, PathBuf};
use std::time::Instant;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::action::{Class, Context, Failure};
use crate::actions::exec::{Line, Word, printed};
use crate::actions::mlflow;
use crate::tools::http::Until;
use crate::value::Duration;

/// What stands in a word for the folder of a run.
const OUT: &str = "{out}";
/// The same folder, as a variable.
const OUT_VARIABLE: &str = "SPECRUN_OUT";

/// Where a run leaves its model.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub struct Place {
    /// In MLflow.
    #[serde(default)]
    mlflow: Option<InMlflow>,
    /// In a file or folder: its path below the folder of the run, which stands for `{out}` in the words of the command and
    /// is the variable `SPECRUN_OUT`.
    #[serde(default)]
    file: Option<String>,
}

/// A model that a run logged to MLflow.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct InMlflow {
    /// The key of the run's id in the JSON object that the command prints (as its last line).
    #[serde(default = "run_id")]
    run_id: String,
    /// The folder of the run's files that is compared instead of the logged model: `weights`.
    #[serde(default)]
    path: Option<String>,
}

/// What a run left.
pub struct Collected {
    pub path: PathBuf,
    pub run_id: Option<String>,
    pub elapsed: Duration,
}

/// Runs the training and collects its model. `folder` is this run's own.
///
/// # Errors
/// `exit_code` with the last lines of a command that fails; `missing` when there is no model afterwards.
pub async fn run(
    line: &Line,
    place: &Place,
    folder: &Path,
    timeout: Option<std::time::Duration>,
    largest: u64,
    cx: &Context,
) -> Result<Collected, Failure> {
    let out = folder.join("out");
    std::fs::create_dir_all(&out)
        .map_err(|e| Failure::new(Class::Internal, format!("making {}: {e}", out.display())))?;
    let shown = out.display().to_string();
    let mut line = line.clone();
    for word in &mut line.argv {
        if let Word::Text(text) = word {
            *text = text.replace(OUT, &shown);
        }
    }
    line.env
        .entry(OUT_VARIABLE.to_owned())
        .or_insert(Word::Text(shown));
    let mut command = line.command(cx)?;
    command.spill = Some(folder.to_owned());
    let limit = timeout.and_then(|t| Instant::now().checked_add(t));
    let until = Until {
        deadline: limit.map_or(cx.deadline, |t| t.min(cx.deadline)),
        cancel: cx.cancel.clone(),
    };
    let done = cx.tools.process.run(command, &until).await?;
    if done.code != Some(0) {
        return Err(done.failure());
    }
    let elapsed = Duration(done.elapsed.as_secs_f64());
    if let Some(file) = &place.file {
        // Below the folder of the run, wherever its name leads.
        let path = cx.tools.files.readable(&out, file).map_err(|mut f| {
            f.message = format!("the training left no `{file}` in its folder: {}", f.message);
            f.help(format!(
                "let the command write it to `{OUT}`, or to the folder in the variable {OUT_VARIABLE}"
            ))
        })?;
        if !path.starts_with(out.canonicalize().unwrap_or(out)) {
            return Err(Failure::new(
                Class::BadParameter,
                format!("`{file}` is not in the folder of the run, so two runs could share it"),
            ));
        }
        return Ok(Collected {
            path,
            run_id: None,
            elapsed,
        });
    }
    let mlflow = place.mlflow.as_ref();
    let key = mlflow.map_or("run_id", |m| m.run_id.as_str());
    let json = printed(&done.stdout);
    let Some(run_id) = json.as_ref().and_then(|j| j.get(key)).and_then(|v| v.as_str()) else {
        let mut failure = Failure::new(
            Class::UnreadableAnswer,
            format!(
                "`{}` does not say which MLflow run it logged: its last line is no JSON object with `{key}`",
                done.shown
            ),
        )
        .help(format!("let it print {{\"{key}\": \"...\"}} at its end"));
        failure.details = done.failure().details;
        return Err(failure);
    };
    let path = mlflow.and_then(|m| m.path.as_deref());
    let path = mlflow::fetch(cx, run_id, path, &folder.join("model"), largest).await?;
    Ok(Collected {
        path,
        run_id: Some(run_id.to_owned()),
        elapsed,
    })
}

fn run_id() -> String {
    "run_id".to_owned()
}
