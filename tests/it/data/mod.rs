//! The family data: checks of tables as an action runs them, and against the answers of Great Expectations.

mod gx;
mod tables;
