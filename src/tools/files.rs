//! Files: paths are kept inside what is granted; written atomically.
//!
//! A path is judged after links are followed, and again on the file that was really opened, so that a link that is
//! changed in between gains nothing. Only regular files are read: no devices, no pipes.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use rustix::fs::OFlags;
use sha2::{Digest, Sha256};

use super::grants::{absolute, refused};
use super::{Capability, Grants};
use crate::check::{Class, Failure};

/// The files of a run.
pub struct Files {
    grants: Arc<Grants>,
    /// Folders that may be read without being granted: the project, the run directory.
    readable: Vec<PathBuf>,
    /// Folders that may be written without being granted.
    writable: Vec<PathBuf>,
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// The path after links were followed.
    pub path: PathBuf,
    pub bytes: Vec<u8>,
}

/// A file's hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hashed {
    pub path: PathBuf,
    /// SHA-256, hexadecimal.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
}

impl Files {
    /// The trees of `projects` may be read, and written while no policy says otherwise; those of `run_dirs` may be read
    /// and written.
    #[must_use]
    pub fn new(projects: &[&Path], run_dirs: &[&Path], grants: Arc<Grants>) -> Self {
        let roots = |list: &[&Path]| list.iter().map(|dir| absolute(dir)).collect::<Vec<_>>();
        let mut writable = roots(run_dirs);
        if grants.open {
            writable.extend(roots(projects));
        }
        Self {
            grants,
            readable: [roots(projects), roots(run_dirs)].concat(),
            writable,
        }
    }

    /// The path of a file that may be read: `path` is relative to `base`.
    ///
    /// # Errors
    /// `not_granted` outside of what may be read, `missing` when nothing is there.
    pub fn readable(&self, base: &Path, path: &str) -> Result<PathBuf, Failure> {
        let whole = joined(base, path)?;
        let real = match whole.canonicalize() {
            Ok(real) => real,
            Err(e) => {
                // Whether something outside exists is not told.
                self.judge("read", &self.readable, &absolute(&whole), path)?;
                return Err(
                    Failure::new(Class::Missing, format!("the file `{path}` cannot be read: {e}"))
                        .detail(format!("looked for {}", whole.display())),
                );
            }
        };
        self.judge("read", &self.readable, &real, path)?;
        Ok(real)
    }

    /// Opens a file for reading.
    ///
    /// # Errors
    /// As [`Files::readable`], and `bad_parameter` for what is no regular file.
    pub fn open(&self, base: &Path, path: &str) -> Result<(PathBuf, File), Failure> {
        let real = self.readable(base, path)?;
        let unreadable = |e: std::io::Error| {
            Failure::new(Class::Missing, format!("the file `{path}` cannot be read: {e}"))
        };
        let file = File::options()
            .read(true)
            // A link put there since it was judged is not followed; a pipe does not make us wait.
            .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
            .open(&real)
            .map_err(unreadable)?;
        let meta = file.metadata().map_err(unreadable)?;
        if !meta.is_file() {
            let what = if meta.is_dir() {
                "a folder"
            } else {
                "a device or pipe"
            };
            return Err(Failure::new(
                Class::BadParameter,
                format!("`{path}` is no file but {what}"),
            ));
        }
        if let Ok(opened) = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()))
            && opened != real
        {
            self.judge("read", &self.readable, &opened, path)?;
        }
        Ok((real, file))
    }

    /// Reads a whole file of at most `cap` bytes.
    ///
    /// # Errors
    /// As [`Files::open`], and `too_large`.
    pub fn read(&self, base: &Path, path: &str, cap: u64) -> Result<Content, Failure> {
        let (real, file) = self.open(base, path)?;
        let mut bytes = Vec::new();
        file.take(cap.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|e| Failure::new(Class::Missing, format!("the file `{path}` cannot be read: {e}")))?;
        if bytes.len() as u64 > cap {
            return Err(Failure::new(
                Class::TooLarge,
                format!("the file `{path}` is larger than {cap} bytes"),
            ));
        }
        Ok(Content { path: real, bytes })
    }

    /// The SHA-256 of a file of any size.
    ///
    /// # Errors
    /// As [`Files::open`].
    pub fn hash(&self, base: &Path, path: &str) -> Result<Hashed, Failure> {
        let (real, mut file) = self.open(base, path)?;
        let mut hasher = Sha256::new();
        let size = std::io::copy(&mut file, &mut hasher)
            .map_err(|e| Failure::new(Class::Missing, format!("the file `{path}` cannot be read: {e}")))?;
        Ok(Hashed {
            path: real,
            sha256: hex(&hasher.finalize()),
            size,
        })
    }

    /// Writes a file whole or not at all; folders on the way are made.
    ///
    /// # Errors
    /// `not_granted` outside of what may be written, `bad_parameter` when it cannot be written.
    pub fn write(&self, base: &Path, path: &str, bytes: &[u8]) -> Result<PathBuf, Failure> {
        let whole = joined(base, path)?;
        let failed = |e: std::io::Error| {
            Failure::new(
                Class::BadParameter,
                format!("the file `{path}` cannot be written: {e}"),
            )
        };
        let Some(name) = whole
            .file_name()
            .filter(|_| !path.ends_with('/'))
            .map(ToOwned::to_owned)
        else {
            return Err(Failure::new(
                Class::BadParameter,
                format!("`{path}` names no file"),
            ));
        };
        let folder = whole.parent().unwrap_or(base).to_owned();
        // Judged before folders are made, on the part that exists, and after, on the folder that is really there.
        self.judge("write", &self.writable, &existing(&folder).join(&name), path)?;
        std::fs::create_dir_all(&folder).map_err(failed)?;
        let folder = folder.canonicalize().map_err(failed)?;
        let real = folder.join(&name);
        self.judge("write", &self.writable, &real, path)?;
        let mut temporary = tempfile::NamedTempFile::new_in(&folder).map_err(failed)?;
        temporary.write_all(bytes).map_err(failed)?;
        // The rename replaces a link, it does not follow it.
        temporary.persist(&real).map_err(|e| failed(e.error))?;
        Ok(real)
    }

    fn judge(&self, kind: &str, roots: &[PathBuf], real: &Path, asked: &str) -> Result<(), Failure> {
        let inside = roots.iter().any(|root| real.starts_with(root)) && !self.grants.denies_path(kind, real);
        if inside || self.grants.names_path(kind, real) {
            return Ok(());
        }
        let path = real.display().to_string();
        let wanted = if kind == "read" {
            Capability::Read { path }
        } else {
            Capability::Write { path }
        };
        let why = if self.grants.denies_path(kind, real) {
            "denied by a rule"
        } else {
            "outside of the project and the run directory"
        };
        let failure = refused(&wanted, why).help(format!("add `{}` if it may", wanted.flag()));
        Err(if Path::new(asked) == real {
            failure
        } else {
            failure.detail(format!("asked for as `{asked}`"))
        })
    }
}

/// Hexadecimal digits of bytes, lower case.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, b| {
            let _ = write!(text, "{b:02x}");
            text
        })
}

fn joined(base: &Path, path: &str) -> Result<PathBuf, Failure> {
    if path.is_empty() || path.contains('\0') {
        return Err(Failure::new(
            Class::BadParameter,
            format!("`{}` is no path", path.escape_debug()),
        ));
    }
    Ok(base.join(path))
}

/// A path with the links of the part that exists followed, and `..` taken out of the rest.
fn existing(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for upper in whole.ancestors() {
        let (Ok(mut real), Ok(rest)) = (upper.canonicalize(), whole.strip_prefix(upper)) else {
            continue;
        };
        for part in rest.components() {
            match part {
                Component::ParentDir => {
                    real.pop();
                }
                Component::Normal(name) => real.push(name),
                Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
            }
        }
        return real;
    }
    absolute(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::Rule;
    use std::os::unix::fs::symlink;

    struct Place {
        _root: tempfile::TempDir,
        project: PathBuf,
        outside: PathBuf,
        run: PathBuf,
    }

    fn place() -> Place {
        let root = tempfile::tempdir().unwrap();
        let base = root.path().canonicalize().unwrap();
        let (project, outside, run) = (base.join("project"), base.join("outside"), base.join("run"));
        for dir in [&project.join("specs"), &outside, &run] {
            std::fs::create_dir_all(dir).unwrap();
        }
        std::fs::write(project.join("specs/a.txt"), "inside").unwrap();
        std::fs::write(outside.join("secret.txt"), "outside").unwrap();
        Place {
            _root: root,
            project,
            outside,
            run,
        }
    }

    fn files(place: &Place, grants: Grants) -> Files {
        Files::new(&[&place.project], &[&place.run], Arc::new(grants))
    }

    fn allow(kind: &str, path: &Path) -> Grants {
        Grants {
            allow: vec![(kind.into(), Rule(path.display().to_string()))],
            ..Grants::default()
        }
    }

    #[test]
    fn files_of_the_project_are_read_and_hashed() {
        let p = place();
        let f = files(&p, Grants::open());
        let base = p.project.join("specs");
        assert_eq!(f.read(&base, "a.txt", 6).unwrap().bytes, b"inside");
        assert_eq!(f.read(&base, "../specs/./a.txt", 6).unwrap().bytes, b"inside");
        assert_eq!(f.read(&base, "a.txt", 5).unwrap_err().class, Class::TooLarge);
        let hash = f.hash(&base, "a.txt").unwrap();
        assert_eq!(
            hash.sha256,
            "106b086224a4d945eae25f7be3805a931a873270326dd868b0e41f71ee9fff72"
        );
        assert_eq!(hash.size, 6);
        assert_eq!(f.read(&base, "none.txt", 6).unwrap_err().class, Class::Missing);
        assert_eq!(f.read(&base, ".", 6).unwrap_err().class, Class::BadParameter);
    }

    #[test]
    fn nothing_outside_is_read_by_any_way() {
        let p = place();
        symlink(p.outside.join("secret.txt"), p.project.join("link")).unwrap();
        symlink(&p.outside, p.project.join("dir")).unwrap();
        symlink("link", p.project.join("twice")).unwrap();
        let secret = p.outside.join("secret.txt");
        for grants in [Grants::open(), Grants::default()] {
            let f = files(&p, grants);
            for path in [
                "../outside/secret.txt",
                "specs/../../outside/secret.txt",
                "link",
                "twice",
                "dir/secret.txt",
                "dir/../outside/secret.txt",
                "/etc/passwd",
                "/proc/self/environ",
                "/dev/zero",
                "../outside/none.txt",
                secret.to_str().unwrap(),
            ] {
                let failure = f.read(&p.project, path, 100).unwrap_err();
                assert_eq!(failure.class, Class::NotGranted, "{path}: {failure}");
                assert!(failure.help.unwrap().contains("--allow-read="), "{path}");
            }
        }
        let f = files(&p, allow("read", &p.outside));
        assert_eq!(f.read(&p.project, "link", 100).unwrap().bytes, b"outside");
    }

    #[test]
    fn a_denied_folder_inside_the_project_is_not_read() {
        let p = place();
        let mut grants = Grants::open();
        grants
            .deny
            .push(("read".into(), Rule(p.project.join("specs").display().to_string())));
        let failure = files(&p, grants)
            .read(&p.project, "specs/a.txt", 100)
            .unwrap_err();
        assert!(failure.message.contains("denied"), "{failure}");
    }

    #[test]
    fn writing_is_whole_and_stays_inside() {
        let p = place();
        let f = files(&p, Grants::open());
        f.write(&p.run, "new/deep/file.txt", b"x").unwrap();
        f.write(&p.run, "new/deep/file.txt", b"y").unwrap();
        assert_eq!(std::fs::read(p.run.join("new/deep/file.txt")).unwrap(), b"y");
        assert_eq!(std::fs::read_dir(p.run.join("new/deep")).unwrap().count(), 1);

        symlink(&p.outside, p.run.join("dir")).unwrap();
        symlink(p.outside.join("secret.txt"), p.run.join("link")).unwrap();
        for path in [
            "../outside/x",
            "dir/x",
            "dir/new/x",
            "new/../../outside/x",
            "none/../../outside/x",
            "/tmp/specrun-escape",
        ] {
            assert_eq!(
                f.write(&p.run, path, b"x").unwrap_err().class,
                Class::NotGranted,
                "{path}"
            );
        }
        f.write(&p.run, "link", b"replaced").unwrap();
        assert_eq!(std::fs::read(p.outside.join("secret.txt")).unwrap(), b"outside");
        assert_eq!(std::fs::read_dir(&p.outside).unwrap().count(), 1);
        assert_eq!(
            f.write(&p.run, "new/", b"x").unwrap_err().class,
            Class::BadParameter
        );
    }

    #[test]
    fn under_a_policy_only_the_run_directory_is_written() {
        let p = place();
        let f = files(&p, Grants::default());
        assert_eq!(
            f.write(&p.project, "x", b"x").unwrap_err().class,
            Class::NotGranted
        );
        assert!(f.write(&p.run, "x", b"x").is_ok());
        assert!(
            files(&p, allow("write", &p.project))
                .write(&p.project, "x", b"x")
                .is_ok()
        );
    }

    #[test]
    fn pipes_and_devices_are_no_files() {
        let p = place();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            p.project.join("pipe"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
            0,
        )
        .unwrap();
        let f = files(&p, Grants::open());
        assert_eq!(
            f.read(&p.project, "pipe", 100).unwrap_err().class,
            Class::BadParameter
        );
    }
}
