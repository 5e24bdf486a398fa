//! What polars is told about memory, which it hears through the environment only.

/// How many groups of rows of Parquet files are on their way at once.
const GROUPS: &str = "POLARS_ROW_GROUP_PREFETCH_SIZE";

/// Lets polars read as many groups of rows ahead as there are processors, unless the environment says another number. By
/// itself it takes sixteen at least, which for a hundred million rows is half of the memory and no time saved. To be
/// called before anything else runs; programs that steps start do not see it.
pub fn read_less_ahead() {
    if std::env::var_os(GROUPS).is_some() {
        return;
    }
    let processors = std::thread::available_parallelism().map_or(2, usize::from);
    #[expect(unsafe_code, reason = "polars has no other way to be told")]
    // SAFETY: this is the first thing that runs, so no other thread reads the environment.
    unsafe {
        std::env::set_var(GROUPS, processors.max(2).to_string());
    }
}
