//! Tables that are objects of the environment's store, `s3://bucket/key`: brought to this machine for the time of the
//! step, so that they are looked at, limited and granted like files.

use std::path::Path;
use std::sync::Arc;

use globset::GlobBuilder;
use tempfile::TempDir;

use crate::action::{Class, Context, Failure};
use crate::tools::objects::{Objects, Place};

/// At most so many objects are listed for a pattern.
const LISTED: usize = 100_000;

/// Objects as files, which are removed when nothing refers to them any more.
pub struct Brought {
    pub folder: Arc<TempDir>,
    /// Each file with the address it came from.
    pub files: Vec<(std::path::PathBuf, String)>,
}

/// Brings an object, or all whose keys fit a pattern. Blocks; inside a runtime, but not on one of its threads.
pub fn bring(path: &str, cx: &Context) -> Result<Brought, Failure> {
    let place = Place::parse(path)?;
    let until = cx.until();
    let failed = |e: std::io::Error| Failure::new(Class::Internal, format!("keeping {path}: {e}"));
    std::fs::create_dir_all(&cx.artifact_dir).map_err(failed)?;
    let folder = tempfile::Builder::new()
        .prefix("objects-")
        .tempdir_in(&cx.artifact_dir)
        .map_err(failed)?;
    let objects = Objects::open(&cx.tools, &place.bucket, &until)?;
    let files = tokio::runtime::Handle::current().block_on(async {
        let mut files = Vec::new();
        for (number, key) in keys(&objects, &place, path).await?.into_iter().enumerate() {
            let name = Path::new(&key)
                .file_name()
                .map_or("object".into(), |n| n.to_string_lossy());
            let file = folder.path().join(format!("{number:06}-{name}"));
            let mut to = std::fs::File::create(&file).map_err(failed)?;
            objects.fetch(&key, u64::MAX, &mut to).await?;
            files.push((file, format!("s3://{}/{key}", place.bucket)));
        }
        Ok::<_, Failure>(files)
    })?;
    Ok(Brought {
        folder: Arc::new(folder),
        files,
    })
}

/// The keys a pattern stands for, in their order.
async fn keys(objects: &Objects, place: &Place, path: &str) -> Result<Vec<String>, Failure> {
    let Some((before, _)) = place.key.split_once('*') else {
        return Ok(vec![place.key.clone()]);
    };
    let glob = GlobBuilder::new(&place.key)
        .literal_separator(true)
        .build()
        .map_err(|e| Failure::new(Class::BadParameter, format!("the path `{path}`: {e}")))?
        .compile_matcher();
    let prefix = before.rsplit_once('/').map_or("", |(folder, _)| folder);
    let found = objects.list(prefix, LISTED).await?;
    let keys: Vec<String> = found
        .into_iter()
        .map(|o| o.key)
        .filter(|k| glob.is_match(k))
        .collect();
    if keys.is_empty() {
        return Err(Failure::new(
            Class::Missing,
            format!("no object matches `{path}`"),
        ));
    }
    Ok(keys)
}

/// A failure that names the address instead of the file that was brought.
pub fn addressed(mut failure: Failure, files: &[(std::path::PathBuf, String)]) -> Failure {
    for (file, address) in files {
        let file = file.display().to_string();
        failure.message = failure.message.replace(&file, address);
        for detail in &mut failure.details {
            *detail = detail.replace(&file, address);
        }
    }
    failure
}
