//! Specs to a plan.
