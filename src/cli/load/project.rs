//! The project of the working directory.

use std::path::{Path, PathBuf};

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::Sources;
use crate::spec::Project;

/// The project of the working directory, or one without a file. None: its file is wrong, which was reported.
pub fn open(sources: &Sources, out: &mut Diagnostics) -> Option<Project> {
    let here = match std::env::current_dir() {
        Ok(here) => here,
        Err(e) => {
            out.push(Diagnostic::error(
                Code::Unreadable,
                format!("finding the working directory: {e}"),
            ));
            return None;
        }
    };
    match Project::find(&here) {
        Some(file) => Project::read(sources, &short(&here, &file), out),
        None => Some(Project::none()),
    }
}

/// Where runs are recorded: as the option says, else as the project says.
#[must_use]
pub fn run_dir(option: Option<&Path>, project: &Project) -> PathBuf {
    option.map_or_else(|| project.run_dir.clone(), Path::to_owned)
}

/// The path of a file in or above the working directory as a person would write it.
fn short(here: &Path, file: &Path) -> PathBuf {
    let ups = here
        .ancestors()
        .position(|dir| Some(dir) == file.parent())
        .unwrap_or(0);
    let mut path: PathBuf = std::iter::repeat_n("..", ups).collect();
    path.push(file.file_name().unwrap_or_default());
    path
}

#[cfg(test)]
mod tests {
    use super::short;
    use std::path::Path;

    #[test]
    fn paths_are_short() {
        let file = Path::new("/p/specrun.yaml");
        assert_eq!(short(Path::new("/p"), file), Path::new("specrun.yaml"));
        assert_eq!(short(Path::new("/p/a/b"), file), Path::new("../../specrun.yaml"));
    }
}
