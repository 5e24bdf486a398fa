//! What a table is compared with: another table, or what `data.profile` kept of one.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::table::{Loaded, load};
use crate::action::{Class, Context, Failure, ParamProblem};
use crate::actions::data::profile::{FORMAT, Stored};
use crate::actions::data::table::Table;
use crate::stats::drift::column::Side;
use crate::stats::drift::frame::Frame;
use crate::tools::Capability;

/// The largest profile that is read, in bytes.
const LARGEST: u64 = 1 << 30;

/// A table, or `profile: file.json`.
#[derive(Clone, Debug)]
pub enum Reference {
    Table(Box<Table>),
    Profile(String),
}

/// A reference that was read.
pub enum Read {
    Table(Loaded),
    Profile { name: String, stored: Stored },
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let raw = Json::deserialize(d)?;
        match (raw.get("profile"), raw.as_object().map(serde_json::Map::len)) {
            (None, _) => serde_json::from_value(raw)
                .map(|t| Self::Table(Box::new(t)))
                .map_err(D::Error::custom),
            (Some(Json::String(path)), Some(1)) => Ok(Self::Profile(path.clone())),
            _ => Err(D::Error::custom(
                "a profile is named by `profile: file.json` and nothing else",
            )),
        }
    }
}

impl JsonSchema for Reference {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Reference".into()
    }

    /// The schema of a table with one more key; [`problems`] says that a reference has one of both.
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let mut schema = Table::json_schema(generator);
        schema.remove("required");
        schema.insert(
            "description".to_owned(),
            json!("A table as for `current`, or `profile: file.json`, which `data.profile` wrote."),
        );
        if let Some(properties) = schema.get_mut("properties").and_then(Json::as_object_mut) {
            properties.insert(
                "profile".to_owned(),
                json!({
                    "description": "A file of `data.profile`, relative to the spec's folder, instead of a table.",
                    "type": "string",
                    "minLength": 1,
                }),
            );
        }
        schema
    }
}

impl Reference {
    pub fn path(&self) -> &str {
        match self {
            Self::Table(table) => table.path(),
            Self::Profile(path) => path,
        }
    }

    /// Reads it. Blocks.
    pub fn read(&self, cx: &Context) -> Result<Read, Failure> {
        let path = match self {
            Self::Table(table) => return Ok(Read::Table(load(table, cx)?)),
            Self::Profile(path) => path,
        };
        let content = cx.tools.files.read(&cx.base_dir, path, LARGEST)?;
        let unreadable = |why: String| {
            Failure::new(
                Class::UnreadableAnswer,
                format!("reading the profile {path}: {why}"),
            )
            .help("make it with `data.profile` of this version, which writes `profile.json`")
        };
        let stored: Stored = serde_json::from_slice(&content.bytes).map_err(|e| unreadable(e.to_string()))?;
        if stored.specrun_profile != FORMAT {
            return Err(unreadable(format!(
                "its format is {}, known is {FORMAT}",
                stored.specrun_profile
            )));
        }
        Ok(Read::Profile {
            name: path.clone(),
            stored,
        })
    }
}

/// Columns with one side of a comparison each.
pub type Sides = Vec<(String, Side)>;

impl Read {
    pub fn name(&self) -> &str {
        match self {
            Self::Table(table) => &table.name,
            Self::Profile { name, .. } => name,
        }
    }

    pub fn rows(&self) -> u64 {
        match self {
            Self::Table(table) => table.data.height() as u64,
            Self::Profile { stored, .. } => stored.rows,
        }
    }

    pub fn columns(&self) -> Vec<&str> {
        match self {
            Self::Table(table) => table.columns(),
            Self::Profile { stored, .. } => stored.columns.iter().map(|c| c.about.name()).collect(),
        }
    }

    /// The type of a column, as polars names it.
    pub fn kind(&self, column: &str) -> Option<String> {
        match self {
            Self::Table(table) => table.kind(column),
            Self::Profile { stored, .. } => {
                let found = stored.columns.iter().find(|c| c.about.name() == column);
                found.map(|c| c.about.kind().to_owned())
            }
        }
    }

    /// The columns' distributions, and the rows where there are some.
    pub fn sides(&self, names: &[String], categorical: &[String]) -> Result<(Sides, Option<Frame>), Failure> {
        let stored = match self {
            Self::Table(table) => {
                let frame = table.frame(names, categorical)?;
                let sides = frame.0.iter().map(|(n, c)| (n.clone(), c.side())).collect();
                return Ok((sides, Some(frame)));
            }
            Self::Profile { stored, .. } => stored,
        };
        let mut sides = Vec::with_capacity(names.len());
        for name in names {
            let bad = |why: String| {
                Failure::new(
                    Class::BadParameter,
                    format!(
                        "the profile {} cannot stand for the column `{name}`: {why}",
                        self.name()
                    ),
                )
            };
            let Some(column) = stored.columns.iter().find(|c| c.about.name() == name) else {
                return Err(bad("it has none".to_owned()));
            };
            let side = column
                .distribution
                .side()
                .map_err(|why| bad(why).help(format!("leave it out: `exclude: [{name}]`")))?;
            if categorical.contains(name) && matches!(side, Side::Numeric { .. }) {
                return Err(bad("it has its numbers, not its categories".to_owned())
                    .help(format!("make the profile with `categorical: [{name}]`")));
            }
            sides.push((name.clone(), side));
        }
        Ok((sides, None))
    }

    /// How many values and how many missing ones a column of a profile stands for.
    pub fn counts(&self, column: &str) -> Option<(u64, u64)> {
        match self {
            Self::Table(_) => None,
            Self::Profile { stored, .. } => stored
                .columns
                .iter()
                .find(|c| c.about.name() == column)
                .and_then(|c| c.distribution.counts()),
        }
    }
}

/// What reading it needs, as far as it is known before the run.
pub fn reads(params: &Json, key: &str) -> Capability {
    match params
        .get(key)
        .and_then(|r| r.get("profile"))
        .and_then(Json::as_str)
    {
        Some(path) if !path.contains("${{") => Capability::Read {
            path: path.to_owned(),
        },
        _ => super::table::reads(params, key),
    }
}

/// A reference that is neither a table nor a profile, or both.
pub fn problems(params: &Json) -> Vec<ParamProblem> {
    let Some(reference) = params.get("reference").and_then(Json::as_object) else {
        return Vec::new();
    };
    let message = match (reference.contains_key("path"), reference.contains_key("profile")) {
        (true, false) => return Vec::new(),
        (false, true) if reference.len() == 1 => return Vec::new(),
        (false, true) => "a profile takes no other key, it was made with them".to_owned(),
        (true, true) => "`path` and `profile` are both given; a reference is a table or a profile".to_owned(),
        (false, false) => "neither `path` nor `profile` is given".to_owned(),
    };
    vec![ParamProblem {
        pointer: "/reference".to_owned(),
        key: None,
        message,
        help: None,
    }]
}
