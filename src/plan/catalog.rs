//! What the compiler knows of each action, worked out once per compilation.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use crate::action::{DynAction, ParamSchema};
use crate::value::Type;

/// An action's schema and types.
pub(super) struct Facts {
    pub schema: Arc<ParamSchema>,
    pub params: Type,
    pub output: Type,
}

/// Facts by action.
#[derive(Default)]
pub(super) struct Catalog(HashMap<&'static str, Rc<Facts>>);

impl Catalog {
    pub fn of(&mut self, action: &'static dyn DynAction) -> Rc<Facts> {
        let facts = self.0.entry(action.name()).or_insert_with(|| {
            Rc::new(Facts {
                schema: ParamSchema::of(action),
                params: Type::from_schema(action.params_schema().as_value()),
                output: Type::from_schema(action.output_schema().as_value()),
            })
        });
        Rc::clone(facts)
    }
}
