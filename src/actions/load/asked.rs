//! The request of a load: one action that is an HTTP exchange, with its parameters.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use crate::action::{AsRequest, Class, DynAction, Failure};
use crate::actions::REGISTRY;

/// `{http.request: {...}}`: exactly one action.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct Asked(BTreeMap<String, Json>);

/// Every action that can be the request of a load.
pub fn known() -> impl Iterator<Item = (&'static dyn DynAction, &'static dyn AsRequest)> {
    let all = REGISTRY.families().iter().flat_map(|f| f.actions).copied();
    all.filter_map(|action| action.as_request().map(|request| (action, request)))
}

/// Where in the parameters of a load a request may stand: at the top, and in each kind of the mix.
pub fn places(params: &Json) -> impl Iterator<Item = &Json> {
    let kinds = params.get("mix").and_then(Json::as_array);
    std::iter::once(params).chain(kinds.into_iter().flatten())
}

/// The actions in the parameters of a load, with their own parameters.
pub fn requests(params: &Json) -> impl Iterator<Item = (&'static dyn DynAction, &Json)> {
    places(params)
        .filter_map(|place| place.get("request")?.as_object())
        .flatten()
        .filter_map(|(name, inner)| Some((known().find(|(action, _)| action.name() == name)?.0, inner)))
}

impl Asked {
    /// The action and its parameters.
    pub fn action(&self) -> Result<(&'static dyn DynAction, &'static dyn AsRequest, &Json), Failure> {
        let found = self.0.iter().next().and_then(|(name, params)| {
            known()
                .find(|(action, _)| action.name() == name)
                .map(|(action, request)| (action, request, params))
        });
        found.filter(|_| self.0.len() == 1).ok_or_else(|| {
            let names: Vec<&str> = known().map(|(action, _)| action.name()).collect();
            Failure::new(
                Class::BadParameter,
                format!("the request of a load is exactly one of {}", names.join(", ")),
            )
        })
    }
}

impl JsonSchema for Asked {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "LoadRequest".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut properties = Map::new();
        for (action, _) in known() {
            let mut schema = action.params_subschema(generator);
            schema.insert(
                "description".to_owned(),
                format!("As `{}` takes them.", action.name()).into(),
            );
            properties.insert(action.name().to_owned(), schema.into());
        }
        let mut schema = Map::new();
        schema.insert("type".to_owned(), "object".into());
        schema.insert("properties".to_owned(), Json::Object(properties));
        schema.insert("additionalProperties".to_owned(), false.into());
        schema.insert("minProperties".to_owned(), 1.into());
        schema.insert("maxProperties".to_owned(), 1.into());
        schema.into()
    }
}
