//! Pure statistics: what a sample says about a limit, exactly.
//!
//! A share and a quantile of a sample are tested with the binomial distribution itself, not with an approximation:
//! `p95 < L` says that fewer than 5 % of all members reach L, which is a share. Verdicts and messages are made in
//! `check`; nothing here reads, prints or rounds.

pub mod binomial;
pub mod drift;
pub mod effective;
pub mod limits;
pub mod paired;
pub mod quantile;

#[cfg(test)]
mod tests;

/// What a sample says about a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The claim is shown with the asked confidence.
    Shown,
    /// Its contrary is shown with the asked confidence.
    Refuted,
    /// Neither.
    Open,
}
