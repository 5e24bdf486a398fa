//! One call of the API, as an action asks for it.

use serde_json::Value as Json;

use crate::tools::Capability;
use crate::tools::http::Limits;
use crate::value::Secret;

/// Who a call acts as.
#[derive(Clone, Debug, Default)]
pub enum Identity {
    /// Whom the environment says.
    #[default]
    Endpoint,
    /// Another user, by impersonation.
    User { name: String, groups: Vec<String> },
    /// Who holds this token, and nobody else: the endpoint's own credentials are not sent.
    Token(Secret),
}

impl Identity {
    /// A user in the groups that the API server itself puts it in: everybody who is known, and for a service account
    /// those of all and of its namespace's.
    #[must_use]
    pub fn user(name: &str) -> Self {
        Self::User {
            name: name.to_owned(),
            groups: Vec::new(),
        }
    }
}

/// A call: what goes over the wire, and the power it needs.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: &'static str,
    /// Below the server's URL, without the slash before it: `api/v1/pods`.
    pub path: String,
    pub query: Vec<(&'static str, String)>,
    pub body: Option<Body>,
    pub identity: Identity,
    pub limits: Limits,
    /// What it does, for the grants; none for discovery, reviews of one's own rights, and whether a namespace or an
    /// account exists at all.
    pub power: Option<Capability>,
}

/// A JSON body with its content type, which says what kind of patch it is.
#[derive(Clone, Debug)]
pub struct Body {
    pub content_type: &'static str,
    pub json: Json,
}

impl Call {
    #[must_use]
    pub fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            query: Vec::new(),
            body: None,
            identity: Identity::Endpoint,
            limits: Limits {
                // A list of a large cluster is large.
                body: 64 << 20,
                ..Limits::default()
            },
            power: None,
        }
    }

    #[must_use]
    pub fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// With one more query parameter, when there is a value.
    #[must_use]
    pub fn maybe_query(self, name: &'static str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    #[must_use]
    pub fn json(self, json: Json) -> Self {
        self.body("application/json", json)
    }

    #[must_use]
    pub fn body(mut self, content_type: &'static str, json: Json) -> Self {
        self.body = Some(Body { content_type, json });
        self
    }

    #[must_use]
    pub fn identity(mut self, identity: &Identity) -> Self {
        self.identity = identity.clone();
        self
    }

    #[must_use]
    pub fn power(mut self, power: Capability) -> Self {
        self.power = Some(power);
        self
    }

    /// The path with its query.
    pub(super) fn target(&self) -> String {
        if self.query.is_empty() {
            return format!("/{}", self.path);
        }
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&self.query)
            .finish();
        format!("/{}?{query}", self.path)
    }
}
