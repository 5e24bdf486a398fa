//! Over a hundred ways to reach what was not granted. Each ends with an error, and witnesses say that nothing was
//! reached: a server that counts connections, a file that a program would make, a text that must appear nowhere.

mod files;
mod network;
mod programs;

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use specrun::action::{Class, Failure};
use specrun::tools::Grants;

use crate::support::actions::{Stage, only};
use crate::support::faults::Faults;

/// What stands in the files outside.
const CANARY: &str = "canary-7d1f9e3a";

/// A stage with a server that is granted, one that is not, and files and programs outside.
struct Prison {
    stage: Stage,
    granted: Faults,
    forbidden: Faults,
    /// Exists when a program ran that should not have.
    witness: PathBuf,
    attempts: usize,
}

/// Whether something got out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum May {
    /// Must end with an error.
    Fail,
    /// May end well, as long as nothing was reached: it led to what is granted.
    LeadBack,
}

impl Prison {
    async fn new() -> Self {
        let mut stage = Stage::new();
        let (granted, forbidden) = (Faults::start().await, Faults::start().await);
        stage.endpoint("http", granted.url(""));
        stage.file("project/specs/inside.txt", "inside");
        stage.file("outside/secret.txt", CANARY);
        stage.file("outside/secret.json", format!("{{\"a\": \"{CANARY}\"}}"));
        let witness = stage.path("witness");
        let run = format!("touch {}", witness.display());
        stage.program("outside/tool", &run);
        stage.program("project/specs/tool", &run);
        stage.program("project/specs/bin/printf", &run);
        let specs = stage.path("project/specs");
        symlink(stage.path("outside/secret.txt"), specs.join("link.txt")).unwrap();
        symlink("link.txt", specs.join("link-to-link.txt")).unwrap();
        symlink(stage.path("outside"), specs.join("dir")).unwrap();
        symlink("/", specs.join("root")).unwrap();
        symlink("/bin/sh", specs.join("printf")).unwrap();
        Self {
            stage,
            granted,
            forbidden,
            witness,
            attempts: 0,
        }
    }

    /// Only the first server, and the program `printf`.
    fn policy(&self) -> Grants {
        only(&[
            ("net", format!("127.0.0.1:{}", self.granted.port())),
            ("exec", "printf".to_owned()),
        ])
    }

    async fn attempt(&mut self, action: &str, params: Json, grants: Grants, may: May) -> Option<Failure> {
        self.attempts += 1;
        let what = format!("{action} {params}");
        let result = self.stage.run_unchecked(action, params, grants).await;
        assert_eq!(
            self.forbidden.connections(),
            0,
            "{what}: a server was reached that was not granted"
        );
        assert!(
            !self.witness.exists(),
            "{what}: a program ran that was not granted"
        );
        assert!(
            !format!("{result:?}").contains(CANARY),
            "{what}: a file was read that was not granted"
        );
        for request in self.granted.requests() {
            assert!(
                !request.contains(CANARY),
                "{what}: a file was sent that was not granted"
            );
            assert!(
                !request.to_ascii_lowercase().contains("\nevil:"),
                "{what}: a header was smuggled in: {request}"
            );
        }
        match result {
            Ok(output) => {
                assert!(may == May::LeadBack, "{what}: ended well with {output}");
                None
            }
            Err(failure) => {
                if failure.class == Class::NotGranted {
                    let help = failure.help.clone().unwrap_or_default();
                    assert!(
                        help.contains("--allow-") || help.contains("--deny-"),
                        "{what}: {failure:?}"
                    );
                }
                Some(failure)
            }
        }
    }

    async fn refused(&mut self, action: &str, params: Json, grants: Grants, classes: &[Class]) {
        let what = format!("{action} {params}");
        let failure = self.attempt(action, params, grants, May::Fail).await.unwrap();
        assert!(classes.contains(&failure.class), "{what}: {failure:?}");
    }
}

#[test]
fn the_prison_holds_what_it_should() {
    // A symbolic link that leads nowhere would make an attempt fail for the wrong reason.
    assert!(Path::new("/bin/sh").exists() && Path::new("/proc/self/environ").exists());
}
