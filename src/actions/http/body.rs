//! Bodies of requests.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::action::{Class, Context, Failure};
use crate::tools::http::Body;
use crate::value::{Secret, Type, Value, template};

/// The largest template that is read, in bytes.
const TEMPLATE_CAP: u64 = 4 << 20;

/// A body made from a template.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// The template (minijinja), relative to the spec's folder. A name it uses and is not given is an error.
    #[schemars(length(min = 1))]
    file: String,
    /// What its names stand for.
    #[serde(default)]
    values: serde_json::Map<String, Json>,
}

/// A scalar in a query or a form.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Scalar {
    Text(String),
    Number(serde_json::Number),
    Flag(bool),
}

impl Scalar {
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
        }
    }
}

/// The keys of which a request has at most one, besides that `secret_form` completes `form`.
pub const KEYS: [&str; 5] = ["json", "text", "form", "file", "template"];

/// The body as it was asked for.
#[derive(Debug, Default)]
pub struct Asked {
    pub json: Option<Json>,
    pub text: Option<String>,
    pub form: BTreeMap<String, Scalar>,
    pub secret_form: BTreeMap<String, Secret>,
    pub file: Option<String>,
    pub template: Option<Template>,
}

/// The body to send; the content type is what it looks like, and the request's own header wins.
pub fn build(asked: Asked, cx: &Context) -> Result<Body, Failure> {
    let bytes = |content_type: &str, bytes: Vec<u8>| Body::Bytes {
        content_type: Some(content_type.to_owned()),
        bytes,
    };
    if let Some(json) = asked.json {
        return Ok(bytes("application/json", json.to_string().into_bytes()));
    }
    if let Some(text) = asked.text {
        return Ok(bytes("text/plain; charset=utf-8", text.into_bytes()));
    }
    if !asked.form.is_empty() || !asked.secret_form.is_empty() {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in &asked.form {
            form.append_pair(name, &value.text());
        }
        for (name, value) in &asked.secret_form {
            form.append_pair(name, value.expose());
        }
        return Ok(bytes(
            "application/x-www-form-urlencoded",
            form.finish().into_bytes(),
        ));
    }
    if let Some(file) = asked.file {
        return Ok(Body::File {
            content_type: Some(kind_of(&file).to_owned()),
            path: cx.tools.files.readable(&cx.base_dir, &file)?,
        });
    }
    if let Some(template) = asked.template {
        let text = rendered(&template, cx)?;
        return Ok(bytes(kind_of(&template.file), text.into_bytes()));
    }
    Ok(Body::None)
}

fn rendered(template: &Template, cx: &Context) -> Result<String, Failure> {
    let bad = |why: String| {
        Failure::new(
            Class::BadParameter,
            format!("the template `{}`: {why}", template.file),
        )
    };
    let content = cx.tools.files.read(&cx.base_dir, &template.file, TEMPLATE_CAP)?;
    let text = String::from_utf8(content.bytes).map_err(|_| bad("not UTF-8".to_owned()))?;
    let values: Vec<(String, Value)> = template
        .values
        .iter()
        .map(|(name, json)| {
            Ok((
                name.clone(),
                Value::from_json(json, &Type::Any).map_err(|e| bad(e.to_string()))?,
            ))
        })
        .collect::<Result<_, Failure>>()?;
    template::render(&template.file, &text, &values).map_err(|e| bad(e.message))
}

/// The content type a file's name suggests; of a template the name without `.j2` or `.jinja`.
fn kind_of(file: &str) -> &'static str {
    let plain = file.trim_end_matches(".j2").trim_end_matches(".jinja");
    match plain.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "json" => "application/json",
        "txt" => "text/plain; charset=utf-8",
        "yaml" | "yml" => "application/yaml",
        "xml" => "application/xml",
        "csv" => "text/csv",
        "html" => "text/html; charset=utf-8",
        _ => "application/octet-stream",
    }
}
