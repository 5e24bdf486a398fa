//! `mlflow.artifacts`

use std::path::{Component, Path};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::client::Client;
use super::lookup::{self, Number};
use super::wire::FilesAnswer;
use crate::action::{Action, Class, Context, Failure, ParamProblem};
use crate::tools::Capability;
use crate::value::Bytes;

/// Lists the files of a run, of a logged model (MLflow 3) or of a registered version, folders followed, and
/// downloads them through the tracking server when asked to. A folder that does not exist is an empty list, as
/// MLflow has it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The run whose files are meant; its logged models' files are not among them.
    #[serde(default)]
    run_id: Option<String>,
    /// The logged model whose files are meant: `m-...`.
    #[serde(default)]
    logged_model: Option<String>,
    /// The registered model; with `version` or `alias`.
    #[serde(default)]
    model: Option<String>,
    /// The number of the version whose files are meant.
    #[serde(default)]
    version: Option<Number>,
    /// The alias of the version whose files are meant.
    #[serde(default)]
    alias: Option<String>,
    /// The folder to list; without it everything.
    #[serde(default)]
    path: Option<String>,
    /// Whether to download the files, into the step's artifact folder.
    #[serde(default)]
    download: bool,
    /// The largest file that is downloaded; a larger one is an error.
    #[serde(default = "largest")]
    max_size: Bytes,
}

/// The files.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Files {
    /// The files, folders left out, by path.
    files: Vec<File>,
    /// How many there are.
    count: usize,
}

/// One file.
#[derive(Debug, Serialize, JsonSchema)]
pub struct File {
    /// Its path from the root of the run or model.
    pub(super) path: String,
    /// Its size, as MLflow says; after a download, its real one.
    size: Option<Bytes>,
    /// SHA-256 of the content, hex; only after a download.
    sha256: Option<String>,
    /// Where it was downloaded to; only after a download.
    file: Option<String>,
}

pub(super) struct Artifacts;

impl Action for Artifacts {
    const NAME: &'static str = "mlflow.artifacts";
    type Params = Params;
    type Output = Files;

    fn capabilities(&self, _: &serde_json::Value) -> Vec<Capability> {
        super::reach()
    }

    fn validate(&self, params: &serde_json::Value) -> Vec<ParamProblem> {
        let mut problems = lookup::one_of(params, &["run_id", "logged_model", "model"]);
        if params.get("model").is_some() {
            problems.extend(lookup::one_of(params, &["version", "alias"]));
        } else {
            problems.extend(
                ["version", "alias"]
                    .into_iter()
                    .filter(|k| params.get(k).is_some())
                    .map(|k| ParamProblem {
                        pointer: format!("/{k}"),
                        key: Some(k.to_owned()),
                        message: format!("`{k}` needs the `model` it belongs to"),
                        help: None,
                    }),
            );
        }
        problems
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Files, Failure> {
        let client = Client::new(cx)?;
        let root = Root::of(&client, &params).await?;
        let mut files = root
            .list(&client, params.path.as_deref().unwrap_or_default())
            .await?;
        if params.download {
            for file in &mut files {
                (cx.progress)(format!("downloading {}", file.path));
                let bytes = root.bytes(&client, &file.path, params.max_size.0 as u64).await?;
                save(&cx.artifact_dir, file, &bytes)?;
            }
        }
        Ok(Files {
            count: files.len(),
            files,
        })
    }
}

/// Whose files they are.
pub(super) enum Root {
    /// A run, and a folder in it.
    Run {
        id: String,
        folder: String,
    },
    LoggedModel(String),
}

impl Root {
    async fn of(client: &Client<'_>, params: &Params) -> Result<Self, Failure> {
        if let Some(id) = &params.run_id {
            // Asked for, because the list of a run that does not exist may be empty.
            let id = lookup::run(client, id).await?.run_id;
            return Ok(Self::Run {
                id,
                folder: String::new(),
            });
        }
        if let Some(id) = &params.logged_model {
            return Self::logged(id);
        }
        let model = params.model.as_deref().unwrap_or_default();
        let version = lookup::named(client, model, params.version.as_ref(), params.alias.as_deref()).await?;
        if let Some(id) = &version.logged_model {
            return Self::logged(id);
        }
        let not_ours = || {
            Failure::new(
                Class::Invalid,
                format!(
                    "the files of {} version {} are at {}, which its run does not hold",
                    version.model, version.version, version.source
                ),
            )
        };
        let id = version.run_id.clone().ok_or_else(not_ours)?;
        let run = lookup::run(client, &id).await?;
        let folder = version
            .source
            .strip_prefix(&run.artifact_uri)
            .or_else(|| version.source.strip_prefix(&format!("runs:/{id}")))
            .ok_or_else(not_ours)?;
        Ok(Self::Run {
            id,
            folder: folder.trim_matches('/').to_owned(),
        })
    }

    pub(super) fn logged(id: &str) -> Result<Self, Failure> {
        if !id.is_empty()
            && id
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        {
            Ok(Self::LoggedModel(id.to_owned()))
        } else {
            Err(Failure::new(
                Class::BadParameter,
                format!("`{id}` is not the id of a logged model"),
            )
            .help("it looks like m-0123456789abcdef0123456789abcdef"))
        }
    }

    /// All files below a folder.
    pub(super) async fn list(&self, client: &Client<'_>, path: &str) -> Result<Vec<File>, Failure> {
        let start = match self {
            Self::Run { folder, .. } if path.is_empty() => folder.clone(),
            Self::Run { folder, .. } if !folder.is_empty() => format!("{folder}/{path}"),
            _ => path.to_owned(),
        };
        let mut files = Vec::new();
        let mut folders = vec![start.trim_matches('/').to_owned()];
        while let Some(folder) = folders.pop() {
            let mut token = String::new();
            loop {
                let page = self.page(client, &folder, &token).await?;
                for row in page.files {
                    let inside = folder.is_empty() || row.path.starts_with(&format!("{folder}/"));
                    if !inside || !plain(&row.path) {
                        return Err(Failure::new(
                            Class::UnreadableAnswer,
                            format!("MLflow lists `{}` in the folder `{folder}`", row.path),
                        ));
                    }
                    if row.is_dir {
                        folders.push(row.path);
                    } else {
                        let size = row.file_size.map(|n| Bytes(n as f64));
                        files.push(File {
                            path: row.path,
                            size,
                            sha256: None,
                            file: None,
                        });
                    }
                }
                if files.len() + folders.len() > MANY {
                    return Err(
                        Failure::new(Class::TooLarge, format!("there are more than {MANY} files"))
                            .help("name a folder as `path`"),
                    );
                }
                match page.next_page_token.filter(|t| !t.is_empty()) {
                    Some(next) => token = next,
                    None => break,
                }
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    async fn page(&self, client: &Client<'_>, folder: &str, token: &str) -> Result<FilesAnswer, Failure> {
        let (call, mut query) = match self {
            Self::Run { id, .. } => (
                "artifacts/list".to_owned(),
                vec![("run_id", id.as_str()), ("path", folder)],
            ),
            Self::LoggedModel(id) => (
                format!("logged-models/{id}/artifacts/directories"),
                vec![("artifact_directory_path", folder)],
            ),
        };
        query.retain(|(k, v)| *k == "run_id" || !v.is_empty());
        if !token.is_empty() {
            query.push(("page_token", token));
        }
        client.get(&call, &query).await
    }

    pub(super) async fn bytes(
        &self,
        client: &Client<'_>,
        path: &str,
        limit: u64,
    ) -> Result<Vec<u8>, Failure> {
        match self {
            Self::Run { id, .. } => {
                client
                    .bytes("get-artifact", &[("run_id", id), ("path", path)], limit)
                    .await
            }
            Self::LoggedModel(id) => {
                let address = format!("ajax-api/2.0/mlflow/logged-models/{id}/artifacts/files");
                client
                    .bytes(&address, &[("artifact_file_path", path)], limit)
                    .await
            }
        }
    }
}

/// How many files a list may have.
const MANY: usize = 10_000;

/// Whether a path from the server stays inside the folder it is put into.
fn plain(path: &str) -> bool {
    !path.is_empty()
        && !path.contains('\\')
        && Path::new(path)
            .components()
            .all(|c| matches!(c, Component::Normal(_)))
}

/// Writes a downloaded file into a folder, the step's artifact folder or one in it.
pub(super) fn save(into: &Path, file: &mut File, bytes: &[u8]) -> Result<(), Failure> {
    let unwritable = |e: std::io::Error| Failure::new(Class::Internal, format!("writing {}: {e}", file.path));
    let place = into.join(&file.path);
    if let Some(folder) = place.parent() {
        std::fs::create_dir_all(folder).map_err(unwritable)?;
    }
    std::fs::write(&place, bytes).map_err(unwritable)?;
    file.size = Some(Bytes(bytes.len() as f64));
    file.sha256 = Some(format!("{:x}", Sha256::digest(bytes)));
    file.file = Some(place.display().to_string());
    Ok(())
}

fn largest() -> Bytes {
    Bytes(f64::from(64 << 20))
}
