//! `extends`: a file over the one it extends.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::{Entry, Kind, Node, SourceId, Sources};
use crate::spec::fields::{text, wrong_kind};
use crate::spec::read::{load, tree};

/// An environment's tree with everything it extends below it, and the folder of each file.
pub(super) struct Layers {
    pub root: Node,
    pub dirs: BTreeMap<SourceId, PathBuf>,
}

/// Reads a file and those it extends.
pub(super) fn read(sources: &Sources, path: &Path, out: &mut Diagnostics) -> Option<Layers> {
    let mut dirs = BTreeMap::new();
    let mut open: Vec<PathBuf> = Vec::new();
    let mut next = Some((path.to_path_buf(), None));
    let mut roots: Vec<Node> = Vec::new();
    while let Some((path, from)) = next.take() {
        let real = path.canonicalize().unwrap_or_else(|_| path.clone());
        if open.contains(&real) {
            let d = Diagnostic::error(
                Code::ExtendsCycle,
                format!("{} extends itself in the end", path.display()),
            );
            out.push(match from {
                Some(span) => d.label(span, "extends a file that extends this one"),
                None => d,
            });
            return None;
        }
        open.push(real);
        if let (Some(span), false) = (from, path.is_file()) {
            out.push(
                Diagnostic::error(Code::NoSuchPath, format!("there is no file {}", path.display()))
                    .label(span, "extends this"),
            );
            return None;
        }
        let id = load(sources, &path, out)?;
        let dir = folder_of(&path);
        dirs.insert(id, dir.clone());
        let root = tree(sources, id, out)?;
        if !matches!(root.kind, Kind::Map(_)) {
            wrong_kind(out, &root, "an environment", "a mapping");
            return None;
        }
        if let Some(e) = root.get("extends") {
            let base = text(out, &e.value, "`extends`")?;
            next = Some((dir.join(&base.value), Some(base.span)));
        }
        roots.push(root);
    }
    let root = roots.into_iter().rev().reduce(|base, over| merge(base, &over))?;
    Some(Layers { root, dirs })
}

/// The folder of a file, from the root and without detours: programs that are given a path in it start elsewhere, and
/// an install command is the same one whichever file extends the one it stands in.
pub(super) fn folder_of(path: &Path) -> PathBuf {
    let folder = path
        .parent()
        .filter(|f| !f.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    folder
        .canonicalize()
        .or_else(|_| std::path::absolute(folder))
        .unwrap_or_else(|_| folder.to_path_buf())
}

/// Mappings are merged key by key, at every depth; all else is replaced, and null takes a key away.
fn merge(base: Node, over: &Node) -> Node {
    let (Kind::Map(mut entries), Kind::Map(changes)) = (base.kind, &over.kind) else {
        return over.clone();
    };
    for change in changes {
        let found = entries.iter().position(|e| e.key.value == change.key.value);
        match (found, &change.value.kind) {
            (Some(i), Kind::Null) => {
                entries.remove(i);
            }
            (Some(i), _) => {
                let old = entries[i].value.clone();
                entries[i] = Entry {
                    key: change.key.clone(),
                    value: merge(old, &change.value),
                };
            }
            (None, _) => entries.push(change.clone()),
        }
    }
    Node::new(Kind::Map(entries), over.span)
}
