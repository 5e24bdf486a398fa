//! Reaching the service or the program that the environment names for a family.

use super::{Class, Context, Failure};
use crate::tools::Endpoint;
use crate::tools::http::{Request, Response, Until};
use crate::tools::process::{Command, EnvValue};

impl Context {
    /// Where the environment says that this family's service is.
    ///
    /// # Errors
    /// Class `missing` when it names none; `called` is the service's name for people.
    pub fn endpoint(&self, family: &str, called: &str) -> Result<&Endpoint, Failure> {
        self.tools.endpoints.get(family).ok_or_else(|| {
            Failure::new(
                Class::Missing,
                format!("the environment has no endpoint `{family}`"),
            )
            .help(format!(
                "say where {called} is in the environment file: `endpoints: {{{family}: {{url: http://...}}}}`, and give \
                 the file with --env"
            ))
        })
    }

    /// When what the step waits for has to end.
    #[must_use]
    pub fn until(&self) -> Until {
        Until {
            deadline: self.deadline,
            cancel: self.cancel.clone(),
        }
    }

    /// Sends a request to an endpoint within the step's time; the answer's status is not judged.
    ///
    /// # Errors
    /// What the connection gives, classed.
    pub async fn send(&self, endpoint: &Endpoint, request: Request) -> Result<Response, Failure> {
        self.tools.http.send(Some(endpoint), request, &self.until()).await
    }

    /// A program of a family as the environment names it, with the variables it gives the family, in the step's own folder,
    /// where no settings of anybody lie.
    ///
    /// # Errors
    /// When the environment's settings cannot be used, or the folder cannot be made.
    pub fn program(
        &self,
        family: &str,
        name: &str,
        words: impl IntoIterator<Item = String>,
    ) -> Result<Command, Failure> {
        let mut command = Command::new(self.tools.endpoints.program(family, name)?, words);
        command.known_as = Some(name.to_owned());
        std::fs::create_dir_all(&self.artifact_dir).map_err(|e| {
            Failure::new(
                Class::Internal,
                format!("the folder {}: {e}", self.artifact_dir.display()),
            )
        })?;
        command.dir.clone_from(&self.artifact_dir);
        for (name, value) in self.tools.endpoints.variables(family)? {
            command.env.push((name, EnvValue::Plain(value)));
        }
        Ok(command)
    }

    /// Waits, but not longer than the step may, and not when the run is being stopped.
    ///
    /// # Errors
    /// Class `timeout` at the step's deadline, `cancelled` when the run stops; `what` says what was waited for.
    pub async fn pause(&self, time: std::time::Duration, what: &str) -> Result<(), Failure> {
        let end = std::time::Instant::now() + time;
        let late = self.deadline < end;
        tokio::select! {
            () = self.cancel.cancelled() => Err(Failure::new(Class::Cancelled, format!("{what}: the run was stopped"))),
            () = tokio::time::sleep_until(self.deadline.into()), if late => {
                Err(Failure::new(Class::Timeout, format!("{what}: the step's time is over")))
            }
            () = tokio::time::sleep_until(end.into()), if !late => Ok(()),
        }
    }
}
