//! The families exec, file and http, each action as the engine runs it: it works, it is refused, its peer is down or
//! odd, its parameters are wrong. And the table of all actions.

mod exec;
mod files;
mod http;

use std::collections::BTreeSet;

use serde_json::json;
use specrun::action::ParamSchema;
use specrun::actions::REGISTRY;
use specrun::value::Type;

#[test]
fn the_table_is_in_order_and_every_schema_compiles() {
    let families: Vec<&str> = REGISTRY.families().iter().map(|f| f.name).collect();
    assert!(families.is_sorted(), "{families:?}");
    let mut seen = BTreeSet::new();
    for family in REGISTRY.families() {
        let names: Vec<&str> = family.actions.iter().map(|a| a.name()).collect();
        assert!(names.is_sorted(), "{names:?}");
        for action in family.actions {
            assert!(
                action.name().starts_with(&format!("{}.", family.name)),
                "{}",
                action.name()
            );
            assert!(seen.insert(action.name()), "{} stands twice", action.name());
            let schema = ParamSchema::of(*action);
            assert!(
                !schema.problems(&json!({"surely not a key": 1})).is_empty(),
                "{} takes any key",
                action.name()
            );
            let output = Type::from_schema(action.output_schema().as_value());
            assert!(matches!(output, Type::Object(_)), "{}: {output:?}", action.name());
        }
    }
}
