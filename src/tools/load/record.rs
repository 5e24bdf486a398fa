//! What became of one arrival.

use crate::check::Class;

/// An arrival with its end. Times are nanoseconds from the start of the load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Record {
    pub due: u64,
    /// When sending began; none when it was dropped.
    pub sent: Option<u64>,
    /// When the answer was whole, or was given up.
    pub done: u64,
    pub kind: u16,
    /// The phase or window it counts for.
    pub part: Option<u16>,
    /// The status, when there was an answer; else 0.
    pub status: u16,
    pub wrong: Option<Wrong>,
}

/// What was wrong with an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    Class(Class),
    /// It should have been refused.
    Accepted,
}

impl Wrong {
    #[must_use]
    pub fn word(self) -> String {
        match self {
            Self::Class(class) => class.word(),
            Self::Accepted => "accepted".to_owned(),
        }
    }
}

impl Record {
    /// From the intended moment to the end of the answer, in nanoseconds; none when there was not the right one.
    #[must_use]
    pub const fn latency(&self) -> Option<u64> {
        match (self.wrong, self.sent) {
            (None, Some(_)) => Some(self.done.saturating_sub(self.due)),
            _ => None,
        }
    }

    /// From the actual moment of sending to the end of the answer, in nanoseconds.
    #[must_use]
    pub const fn service(&self) -> Option<u64> {
        match (self.wrong, self.sent) {
            (None, Some(sent)) => Some(self.done.saturating_sub(sent)),
            _ => None,
        }
    }
}
