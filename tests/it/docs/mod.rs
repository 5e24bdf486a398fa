//! The documents hold together: links lead somewhere, YAML is right, outputs are what the program prints.

mod blocks;
mod links;
mod stages;

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// README, CHANGELOG and the book.
fn pages() -> Vec<PathBuf> {
    let mut all = vec![root().join("README.md"), root().join("CHANGELOG.md")];
    let book = walkdir::WalkDir::new(root().join("docs")).sort_by_file_name();
    for entry in book {
        let path = entry.unwrap().into_path();
        if path.extension().is_some_and(|e| e == "md") {
            all.push(path);
        }
    }
    assert!(all.len() > 15, "the book was not found");
    all
}
