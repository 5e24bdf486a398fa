//! What a run is given from outside: the environment and values for inputs.

/// Environment and inputs.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Values {
    /// The environment: a name the project file knows, or the path of an environment file.
    #[arg(long, value_name = "NAME|FILE")]
    pub env: Option<String>,
    /// A value for the input of that name of every selected spec that has it.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = assignment)]
    pub set: Vec<(String, String)>,
}

fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
        _ => Err(format!("`{text}` sets nothing; write name=value")),
    }
}
