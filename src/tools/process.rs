//! Programs: argv, never a shell; own process group; nothing outlives the run.

/// To be implemented by the tools author.
pub struct Processes;
