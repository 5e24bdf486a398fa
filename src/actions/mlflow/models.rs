//! The files of the model that a run logged, for actions of other families.

use std::path::{Path, PathBuf};

use super::artifacts::{Root, save};
use super::client::Client;
use super::lookup;
use crate::action::{Class, Context, Failure};

/// Downloads the one model of a run into a folder: its logged model (MLflow 3), else the folder among the run's files
/// that has an `MLmodel` (MLflow 2). With `path`, the files of the run below it, whatever they are. The path of what was
/// downloaded.
///
/// # Errors
/// `missing` when the run logged none, `invalid` when it logged several, and what MLflow answers.
pub(in crate::actions) async fn fetch(
    cx: &Context,
    run_id: &str,
    path: Option<&str>,
    into: &Path,
    largest: u64,
) -> Result<PathBuf, Failure> {
    let client = Client::new(cx)?;
    let run = lookup::run(&client, run_id).await?;
    let of_run = Root::Run {
        id: run.run_id.clone(),
        folder: String::new(),
    };
    let several = |what: &[String]| {
        Failure::new(
            Class::Invalid,
            format!(
                "the run {run_id} logged {} models: {}",
                what.len(),
                what.join(", ")
            ),
        )
        .help("name the folder of the one that is meant as `path`")
    };
    let none = || Failure::new(Class::Missing, format!("the run {run_id} logged no model"));
    let (root, mut files, start) = match (path, run.logged_models.as_slice()) {
        (Some(path), _) => {
            let files = of_run.list(&client, path).await?;
            if files.is_empty() {
                return Err(Failure::new(
                    Class::Missing,
                    format!("the run {run_id} has no files in `{path}`"),
                ));
            }
            (of_run, files, path.trim_matches('/').to_owned())
        }
        (None, [id]) => {
            let root = Root::logged(id)?;
            let files = root.list(&client, "").await?;
            (root, files, String::new())
        }
        (None, []) => {
            let files = of_run.list(&client, "").await?;
            let folders: Vec<String> = files
                .iter()
                .filter_map(|f| f.path.strip_suffix("/MLmodel").map(str::to_owned))
                .collect();
            match folders.as_slice() {
                [] => {
                    return Err(
                        none().help("log one with log_model, or name the folder of other files as `path`")
                    );
                }
                [folder] => {
                    let files = of_run.list(&client, folder).await?;
                    (of_run, files, folder.clone())
                }
                many => return Err(several(many)),
            }
        }
        (None, many) => return Err(several(many)),
    };
    if files.is_empty() {
        return Err(none());
    }
    for file in &mut files {
        let bytes = root.bytes(&client, &file.path, largest).await?;
        save(into, file, &bytes)?;
    }
    Ok(into.join(start))
}
