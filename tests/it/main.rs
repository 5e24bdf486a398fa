//! All integration tests but those with real services (`tests/lab`), in one binary: each further one would be linked again.

#![allow(clippy::unwrap_used, reason = "a test may panic; that is how it fails")]

mod actions;
mod architecture;
mod capabilities;
mod cli;
mod data;
mod docs;
mod drift;
mod engine;
mod escapes;
mod evidence;
mod false_green;
mod full_disk;
mod fuzz;
mod generated;
mod hostile;
mod hostile_verbs;
mod html;
mod kube;
mod load;
mod panics;
mod pipelines;
mod registered;
mod repeats;
mod report;
mod secrets;
mod services;
mod supply;
mod support;
