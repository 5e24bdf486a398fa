//! The JSON Schemas that are published for editors and for readers of machine-readable output.
//!
//! specrun itself does not validate specs with [`spec`]: one big schema gives useless messages. It is assembled from
//! the same parts, so that an editor completes what specrun accepts.

mod editor;
mod environment;
mod project;
mod spec;

pub use environment::environment;
pub use project::project;
pub use spec::spec;

use serde_json::{Value, json};

use crate::action::{DynAction, Registry};

/// The dialect every schema is written in.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// A published schema.
pub struct Published {
    /// The file below `schemas/`, without `.schema.json`.
    pub name: &'static str,
    /// One line: what it describes.
    pub about: &'static str,
    pub schema: fn(&Registry) -> Value,
}

/// All published schemas but those of the single actions.
pub const PUBLISHED: &[Published] = &[
    Published {
        name: "spec",
        about: "a spec file, for editors",
        schema: spec,
    },
    Published {
        name: "environment",
        about: "an environment file, for editors",
        schema: |_| environment(),
    },
    Published {
        name: "project",
        about: "the project file specrun.yaml, for editors",
        schema: |_| project(),
    },
    Published {
        name: "event",
        about: "one line of a run's journal",
        schema: |_| with_dialect(schemars::schema_for!(crate::event::Event).into()),
    },
    Published {
        name: "report",
        about: "the report of `--report json`",
        schema: |_| with_dialect(crate::report::json::schema().into()),
    },
];

/// An action's parameters and output.
#[must_use]
pub fn action(action: &dyn DynAction) -> Value {
    json!({
        "action": action.name(),
        "params": Value::from(action.params_schema()),
        "output": Value::from(action.output_schema()),
    })
}

/// A schema as it is written to a file.
#[must_use]
pub fn text(schema: &Value) -> String {
    format!("{schema:#}\n")
}

fn with_dialect(mut schema: Value) -> Value {
    if let Some(map) = schema.as_object_mut() {
        map.insert("$schema".to_owned(), json!(DIALECT));
    }
    schema
}
