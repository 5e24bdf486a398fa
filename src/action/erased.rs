//! The object-safe twin of [`Action`].

use std::pin::Pin;

use schemars::{Schema, SchemaGenerator};

use super::{Action, AsRequest, Class, Context, Failure, ParamProblem, Undo};
use crate::tools::Capability;

type Running<'a> = Pin<Box<dyn Future<Output = Result<serde_json::Value, Failure>> + Send + 'a>>;

/// An action whose types are erased to JSON; implemented for every [`Action`], never by hand.
pub trait DynAction: Send + Sync + 'static {
    fn name(&self) -> &'static str;
    fn idempotent(&self) -> bool;
    fn repeatable(&self, params: &serde_json::Value) -> bool;
    /// The strict schema of the parameters.
    fn params_schema(&self) -> Schema;
    /// The schema of the parameters as a part of another one.
    fn params_subschema(&self, generator: &mut SchemaGenerator) -> Schema;
    fn output_schema(&self) -> Schema;
    fn capabilities(&self, params: &serde_json::Value) -> Vec<Capability>;
    fn capabilities_of_files(
        &self,
        params: &serde_json::Value,
        read: &dyn Fn(&str) -> Option<String>,
    ) -> Vec<Capability>;
    fn inside(&self, params: &serde_json::Value) -> Vec<&'static str>;
    fn undo(&self, params: &serde_json::Value) -> Option<Undo>;
    fn validate(&self, params: &serde_json::Value) -> Vec<ParamProblem>;
    fn as_request(&self) -> Option<&dyn AsRequest>;
    fn run<'a>(&'a self, params: serde_json::Value, cx: &'a Context) -> Running<'a>;
}

impl<A: Action> DynAction for A {
    fn name(&self) -> &'static str {
        A::NAME
    }

    fn idempotent(&self) -> bool {
        A::IDEMPOTENT
    }

    fn repeatable(&self, params: &serde_json::Value) -> bool {
        Action::repeatable(self, params)
    }

    fn params_schema(&self) -> Schema {
        super::schema::of::<A::Params>()
    }

    fn params_subschema(&self, generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<A::Params>()
    }

    fn output_schema(&self) -> Schema {
        super::schema::of_output::<A::Output>()
    }

    fn capabilities(&self, params: &serde_json::Value) -> Vec<Capability> {
        Action::capabilities(self, params)
    }

    fn capabilities_of_files(
        &self,
        params: &serde_json::Value,
        read: &dyn Fn(&str) -> Option<String>,
    ) -> Vec<Capability> {
        Action::capabilities_of_files(self, params, read)
    }

    fn inside(&self, params: &serde_json::Value) -> Vec<&'static str> {
        Action::inside(self, params)
    }

    fn undo(&self, params: &serde_json::Value) -> Option<Undo> {
        Action::undo(self, params)
    }

    fn validate(&self, params: &serde_json::Value) -> Vec<ParamProblem> {
        Action::validate(self, params)
    }

    fn as_request(&self) -> Option<&dyn AsRequest> {
        Action::as_request(self)
    }

    fn run<'a>(&'a self, params: serde_json::Value, cx: &'a Context) -> Running<'a> {
        Box::pin(async move {
            let params = serde_json::from_value(params)
                .map_err(|e| Failure::new(Class::BadParameter, format!("parameters of {}: {e}", A::NAME)))?;
            let output = Action::run(self, params, cx).await?;
            serde_json::to_value(output)
                .map_err(|e| Failure::new(Class::Internal, format!("output of {}: {e}", A::NAME)))
        })
    }
}
