//! The family data: checks of tables as an action runs them, and against the answers of Great Expectations.

mod bad_input;
mod gx;
mod tables;
