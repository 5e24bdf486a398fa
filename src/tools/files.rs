//! Files: paths are kept inside what is granted; written atomically.

/// To be implemented by the tools author.
pub struct Files;
