//! Installing: once for all, again when the command or a stamped file changes.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::guard::{Group, Spawn};
use super::texts::{Texts, absolute};
use super::{Progress, ServiceError, Site, ready};
use crate::spec::environment::{Install, Service};

/// Installs a service if that has not been done with the same command and files.
pub(super) fn install(
    service: &Service,
    install: &Install,
    texts: &Texts<'_>,
    site: &Site<'_>,
) -> Result<(), ServiceError> {
    let name = &service.name;
    let fail = |what: String| ServiceError::failed(name, what);
    let words = texts.words(&install.command).map_err(&fail)?;
    let variables = texts.variables(&install.env).map_err(&fail)?;
    let stamp = stamp(&words, &variables, &texts.environment.dir, &install.stamp).map_err(fail)?;
    let folder = site.cache.join("stamps");
    let file = |what: &str, e: &io::Error| {
        ServiceError::failed(name, format!("{what} in {}: {e}", folder.display()))
    };
    fs::create_dir_all(&folder).map_err(|e| file("making the folder of stamps", &e))?;
    // By what is done, not by who asks: two environments that install the same thing share it.
    let mark = folder.join(&stamp);
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join(format!("{}.lock", key(&words))))
        .map_err(|e| file("opening the lock", &e))?;
    wait_for(&lock, name, site, install.within)?;
    if mark.exists() {
        return Ok(());
    }
    (site.notify)(Progress {
        service: name.clone(),
        state: "installing",
        message: Some(words.join(" ")),
    });
    let log = site.home.join(format!("{name}.install.log"));
    run(
        name,
        &words,
        &variables,
        &absolute(&texts.environment.dir),
        &log,
        install.within,
        site,
    )?;
    // What was installed with an older stamp by the same command is gone now.
    forget(&folder, &key(&words));
    write_whole(&folder, &mark, &key(&words)).map_err(|e| file("writing the stamp", &e))
}

/// Whether that was done already.
pub(super) fn done(install: &Install, texts: &Texts<'_>, cache: &Path) -> bool {
    let stamp = || {
        let words = texts.words(&install.command)?;
        let variables = texts.variables(&install.env)?;
        stamp(&words, &variables, &texts.environment.dir, &install.stamp)
    };
    stamp().is_ok_and(|stamp| cache.join("stamps").join(stamp).exists())
}

/// The lock is held until the file is closed: also when this process is killed.
fn wait_for(lock: &File, name: &str, site: &Site<'_>, within: Duration) -> Result<(), ServiceError> {
    let until = Instant::now() + within;
    let mut told = false;
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(()),
            Err(fs::TryLockError::Error(e)) => {
                return Err(ServiceError::failed(name, format!("taking the lock: {e}")));
            }
            Err(fs::TryLockError::WouldBlock) => {}
        }
        if !told {
            told = true;
            (site.notify)(Progress {
                service: name.to_owned(),
                state: "installing",
                message: Some("another specrun installs it; waiting".to_owned()),
            });
        }
        if (site.interrupted)() {
            return Err(ServiceError::Interrupted);
        }
        if Instant::now() >= until {
            return Err(ServiceError::failed(
                name,
                format!("another specrun did not install it within {within:?}"),
            ));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn run(
    name: &str,
    words: &[String],
    variables: &[(String, String)],
    dir: &Path,
    log: &Path,
    within: Duration,
    site: &Site<'_>,
) -> Result<(), ServiceError> {
    let mut group = Group::spawn(&Spawn {
        words,
        variables,
        dir,
        log,
        logs: &site.logs,
        guarded: true,
    })
    .map_err(|e| ServiceError::failed(name, format!("installing: {e}")))?;
    let until = Instant::now() + within;
    let mut lines = ready::Lines::of(log);
    loop {
        let ended = group.ended();
        if ended.is_some() {
            group.drain();
        }
        for message in lines.more() {
            (site.notify)(Progress {
                service: name.to_owned(),
                state: "installing",
                message: Some(message),
            });
        }
        match ended {
            Some(status) if status.success() => return Ok(()),
            Some(status) => {
                return Err(ServiceError::failed(name, format!("installing failed: {status}")).with_log(log));
            }
            None => {}
        }
        if (site.interrupted)() {
            group.stop(Duration::from_secs(2));
            return Err(ServiceError::Interrupted);
        }
        if Instant::now() >= until {
            group.stop(Duration::from_secs(2));
            let what = format!("installing did not end within {within:?}");
            return Err(ServiceError::failed(name, what).with_log(log));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A digest of everything that decides what gets installed.
fn stamp(
    words: &[String],
    variables: &[(String, String)],
    dir: &Path,
    files: &[PathBuf],
) -> Result<String, String> {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    for word in words {
        part(word.as_bytes());
    }
    for (name, value) in variables {
        part(name.as_bytes());
        part(value.as_bytes());
    }
    for file in files {
        let path = dir.join(file);
        let mut content = Vec::new();
        File::open(&path)
            .and_then(|mut f| f.read_to_end(&mut content))
            .map_err(|e| format!("reading the stamped file {}: {e}", path.display()))?;
        part(&content);
    }
    Ok(hex(&hash.finalize()))
}

/// Which installation it is, whatever its state.
fn key(words: &[String]) -> String {
    hex(&Sha256::digest(words.join("\0")))[..32].to_owned()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut out, b| {
        let _ = write!(out, "{b:02x}");
        out
    })
}

fn forget(folder: &Path, key: &str) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if fs::read_to_string(entry.path()).is_ok_and(|text| text.trim() == key) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// A stamp is there whole or not at all.
fn write_whole(folder: &Path, path: &Path, text: &str) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}
