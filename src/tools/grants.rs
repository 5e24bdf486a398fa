//! What a run may reach. Deny wins; what is not granted is refused with the flag that would grant it.

use super::Capability;
use crate::check::Failure;

/// A pattern for one kind of capability: `127.0.0.1:*`, `*.svc.cluster.local`, `cosign`, `./data`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule(pub String);

/// The powers of a run.
#[derive(Clone, Debug, Default)]
pub struct Grants {
    /// No policy was given: everything the specs declare is allowed.
    pub open: bool,
    pub allow: Vec<(String, Rule)>,
    pub deny: Vec<(String, Rule)>,
}

impl Grants {
    /// Everything is allowed (no policy was given).
    #[must_use]
    pub fn open() -> Self {
        Self {
            open: true,
            ..Self::default()
        }
    }

    /// Whether this is granted.
    ///
    /// # Errors
    /// Class `not_granted`, with the flag that would grant it.
    pub fn check(&self, wanted: &Capability) -> Result<(), Failure> {
        let _ = wanted;
        todo!()
    }
}
