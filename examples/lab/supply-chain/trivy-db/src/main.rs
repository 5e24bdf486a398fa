//! `make-trivy-db ADVISORIES.json CACHE_DIR UPDATED_AT`: writes `CACHE_DIR/db/trivy.db` and `CACHE_DIR/db/metadata.json`, a
//! vulnerability database of schema version 2 with a few advisories.
//!
//! Trivy then matches packages without a network: `trivy … --skip-db-update --offline-scan --cache-dir CACHE_DIR`.
//! Buckets, as aquasecurity/trivy-db writes them:
//!
//! - `ECOSYSTEM::SOURCE` / PACKAGE / ID: `{"PatchedVersions": […], "VulnerableVersions": […]}`
//! - `vulnerability` / ID: `{"Title": …, "Severity": …}`
//! - `data-source` / `ECOSYSTEM::SOURCE`: `{"ID": …, "Name": …, "URL": …}`

use std::error::Error;
use std::fs;
use std::path::Path;

use bbolt_rs::{Bolt, BucketRwApi, DbRwAPI, TxRwRefApi};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().collect();
    let [_, advisories, cache, updated] = args.as_slice() else {
        return Err("usage: make-trivy-db ADVISORIES.json CACHE_DIR UPDATED_AT".into());
    };
    let folder = Path::new(cache).join("db");
    fs::create_dir_all(&folder)?;
    let database = folder.join("trivy.db");
    if database.exists() {
        fs::remove_file(&database)?;
    }
    let list: Vec<Value> = serde_json::from_slice(&fs::read(advisories)?)?;
    let mut bolt = Bolt::open(&database)?;
    for entry in &list {
        let text = |key: &str| {
            let found = entry[key].as_str().map(str::to_owned);
            found.ok_or_else(|| format!("an advisory has no text under `{key}`"))
        };
        let (source, package, id) = (text("source")?, text("package")?, text("id")?);
        let [advisory, detail, origin] =
            ["advisory", "detail", "data_source"].map(|key| entry[key].to_string().into_bytes());
        bolt.update(|mut tx| {
            tx.create_bucket_if_not_exists(&source)?
                .create_bucket_if_not_exists(&package)?
                .put(&id, &advisory)?;
            tx.create_bucket_if_not_exists("vulnerability")?.put(&id, &detail)?;
            tx.create_bucket_if_not_exists("data-source")?.put(&source, &origin)?;
            Ok(())
        })?;
    }
    // Trivy must never find that this database wants an update.
    let metadata = json!({
        "Version": 2,
        "NextUpdate": "2099-01-01T00:00:00Z",
        "UpdatedAt": updated,
        "DownloadedAt": updated,
    });
    fs::write(folder.join("metadata.json"), metadata.to_string())?;
    Ok(())
}
