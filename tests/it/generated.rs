//! What is generated is fresh. `UPDATE=1 cargo test --test it generated` writes it anew.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use specrun::actions::REGISTRY;
use specrun::cli::{docs, schemas};

/// Folders of which every file is generated.
const WHOLE: &[&str] = &[
    "docs/reference",
    "docs/reference/actions",
    "schemas",
    "schemas/actions",
];

#[test]
fn generated_files_are_fresh() {
    let root = root();
    let wanted = files();
    let mut stale = Vec::new();
    let update = std::env::var_os("UPDATE").is_some();
    for (path, text) in &wanted {
        let full = root.join(path);
        if fs::read_to_string(&full).is_ok_and(|old| old == *text) {
            continue;
        }
        if update {
            fs::create_dir_all(full.parent().unwrap()).unwrap();
            fs::write(&full, text).unwrap();
        } else {
            stale.push(format!("{} differs", path.display()));
        }
    }
    for folder in WHOLE {
        for entry in fs::read_dir(root.join(folder)).into_iter().flatten() {
            let entry = entry.unwrap();
            let path = Path::new(folder).join(entry.file_name());
            if entry.file_type().unwrap().is_file() && !wanted.contains_key(&path) {
                if update {
                    fs::remove_file(entry.path()).unwrap();
                } else {
                    stale.push(format!("{} is of nothing that exists", path.display()));
                }
            }
        }
    }
    assert!(
        stale.is_empty(),
        "stale:\n  {}\nrun: UPDATE=1 cargo test --test it generated",
        stale.join("\n  ")
    );
}

fn files() -> BTreeMap<PathBuf, String> {
    let mut all = BTreeMap::new();
    let mut page = |path: &str, text: String| {
        assert!(all.insert(PathBuf::from(path), text).is_none(), "{path} twice");
    };
    page("docs/reference/codes.md", docs::codes());
    page("docs/reference/exit-codes.md", docs::exit_codes());
    page("docs/reference/functions.md", docs::functions());
    page("docs/reference/cli.md", docs::command());
    page("docs/reference/actions.md", docs::actions(&REGISTRY));
    for schema in schemas::PUBLISHED {
        let text = schemas::text(&(schema.schema)(&REGISTRY));
        page(&format!("schemas/{}.schema.json", schema.name), text);
    }
    for action in REGISTRY.families().iter().flat_map(|f| f.actions).copied() {
        let name = action.name();
        let example = root().join(format!("examples/actions/{name}.yaml"));
        let example = fs::read_to_string(&example).ok();
        page(
            &format!("docs/reference/actions/{name}.md"),
            docs::action_page(action, example.as_deref()),
        );
        page(
            &format!("schemas/actions/{name}.schema.json"),
            schemas::text(&schemas::action(action)),
        );
    }
    all
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
