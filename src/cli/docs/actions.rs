//! The actions as Markdown: one page each, and the list of all.

use std::fmt::Write as _;

use serde_json::Value;

use super::GENERATED;
use super::shape::{Field, fields};
use crate::action::{DynAction, Family, Registry};

/// The manual of one action. `example` is the text of `examples/actions/NAME.yaml`, where it is at hand.
#[must_use]
pub fn action(action: &dyn DynAction, example: Option<&str>) -> String {
    let params: Value = action.params_schema().into();
    let output: Value = action.output_schema().into();
    let mut text = format!("# {}\n\n", action.name());
    if let Some(about) = params.get("description").and_then(Value::as_str) {
        let _ = writeln!(text, "{about}\n");
    }
    if !action.idempotent() {
        text.push_str(
            "Doing it again may not be harmless, so it is repeated only where the spec says `retry`, `within` or `eventually`.\n\n",
        );
    }
    text.push_str("## Parameters\n\n");
    table(&mut text, &fields(&params), true);
    text.push_str("\n## Output\n\n");
    if let Some(about) = output.get("description").and_then(Value::as_str) {
        let _ = writeln!(text, "{about}\n");
    }
    table(&mut text, &fields(&output), false);
    if let Some(example) = example {
        let _ = write!(text, "\n## Example\n\n```yaml\n{}\n```\n", example.trim_end());
    }
    text
}

/// The page of one action, as a file.
#[must_use]
pub fn action_page(which: &dyn DynAction, example: Option<&str>) -> String {
    format!("{GENERATED}{}", action(which, example))
}

/// A family and its actions, for `explain`.
#[must_use]
pub fn family(family: &Family) -> String {
    let mut text = format!("# {}\n\n{}\n\n", family.name, family.about);
    if let Some(program) = family.program {
        let _ = writeln!(text, "Runs the program `{program}`.\n");
    }
    list(&mut text, family, str::to_owned);
    text
}

/// The list of all actions with links to their pages.
#[must_use]
pub fn actions(registry: &Registry) -> String {
    let mut text = format!(
        "{GENERATED}# Actions\n\nWhat a step can do. `specrun explain ACTION` prints the same text as the page of an action.\n"
    );
    for family in registry.families() {
        let _ = write!(text, "\n## {}\n\n{}\n\n", family.name, family.about);
        list(&mut text, family, |name| format!("[`{name}`](actions/{name}.md)"));
    }
    text
}

fn list(text: &mut String, family: &Family, show: impl Fn(&str) -> String) {
    text.push_str("| action | |\n|---|---|\n");
    for action in family.actions {
        let params: Value = action.params_schema().into();
        let about = params
            .get("description")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let first = about.split("\n\n").next().unwrap_or_default().replace('\n', " ");
        let _ = writeln!(text, "| {} | {} |", show(action.name()), cell(&first));
    }
}

fn table(text: &mut String, fields: &[Field], params: bool) {
    if fields.is_empty() {
        text.push_str("None.\n");
        return;
    }
    text.push_str("| name | type | |\n|---|---|---|\n");
    for field in fields {
        let mut about = cell(&field.description);
        if params && field.required {
            about = format!("**Required.** {about}");
        }
        if let Some(default) = &field.default {
            about = format!("{about} Without it: `{}`.", cell(default));
        }
        let _ = writeln!(
            text,
            "| `{}` | {} | {} |",
            field.path,
            cell(&field.shape),
            about.trim()
        );
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
