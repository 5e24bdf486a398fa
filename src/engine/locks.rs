//! Locks by name: who needs several gets all at once or none, so that nobody waits while holding.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

/// The names that are taken.
#[derive(Default)]
pub(super) struct Locks {
    taken: Mutex<HashSet<String>>,
    freed: Notify,
}

/// Names that are held until this is dropped.
pub(super) struct Held<'a> {
    locks: &'a Locks,
    names: Vec<String>,
}

impl Locks {
    /// All the names, or none when one of them is taken.
    pub(super) fn try_take(&self, names: &[String]) -> Option<Held<'_>> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if names.iter().any(|n| taken.contains(n)) {
            return None;
        }
        taken.extend(names.iter().cloned());
        Some(Held {
            locks: self,
            names: names.to_vec(),
        })
    }

    /// Waits until all the names are free, and takes them.
    pub(super) async fn take(&self, names: &[String]) -> Held<'_> {
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            // Registered before looking, so that a release in between is not missed.
            freed.as_mut().enable();
            if let Some(held) = self.try_take(names) {
                return held;
            }
            freed.await;
        }
    }

    /// Waits until some lock is given back.
    pub(super) fn freed(&self) -> tokio::sync::futures::Notified<'_> {
        self.freed.notified()
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if self.names.is_empty() {
            return;
        }
        let mut taken = self.locks.taken.lock().unwrap_or_else(PoisonError::into_inner);
        for name in &self.names {
            taken.remove(name);
        }
        drop(taken);
        self.locks.freed.notify_waiters();
    }
}
