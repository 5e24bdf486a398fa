//! `scan.image`

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::look::{self, Look, Target, scanner};
use super::outcome::Scanned;
use super::program::{self, FAMILY};
use crate::action::{Action, Class, Context, Failure, ParamProblem};
use crate::tools::Capability;

/// Looks for vulnerabilities and secrets in an image. Limits are checks on what it found:
/// `image.vulnerabilities.critical == 0`, `image.secrets.total == 0`. A scanner that could not look is a failure; one
/// whose database is old makes the step inconclusive.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Params {
    /// An image in a registry; this or `archive`. A name without a registry lies in the environment's (`endpoints: {scan:
    /// {registry: …}}`).
    #[serde(default)]
    image: Option<String>,
    /// An image as a file (`docker save`) or a folder in OCI layout, relative to the spec's folder; this or `image`.
    #[serde(default)]
    archive: Option<String>,
    #[serde(flatten)]
    how: Look,
}

pub(super) struct Image;

impl Action for Image {
    const NAME: &'static str = "scan.image";
    type Params = Params;
    type Output = Scanned;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        let mut all = program::reach(scanner(params), "image", params, "archive");
        if let Some(image) = params.get("image").and_then(Json::as_str) {
            all.push(registry(image));
        }
        all
    }

    fn validate(&self, params: &Json) -> Vec<ParamProblem> {
        let given = |key: &str| params.get(key).is_some_and(|v| !v.is_null());
        let mut all = look::problems(params);
        let message = match (given("image"), given("archive")) {
            (false, false) => "what is scanned? name an `image` or an `archive`",
            (true, true) => "`image` and `archive` exclude each other",
            _ => return all,
        };
        all.push(ParamProblem {
            pointer: String::new(),
            key: None,
            message: message.to_owned(),
            help: None,
        });
        all
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Scanned, Failure> {
        if let Some(image) = &params.image {
            cx.tools.grants.check(&registry(image))?;
            let image = cx.tools.endpoints.image(FAMILY, image);
            return look::look(&Target::Image(&image), &params.how, cx).await;
        }
        let archive = params.archive.as_deref().ok_or_else(|| {
            Failure::new(
                Class::BadParameter,
                "what is scanned? name an `image` or an `archive`",
            )
        })?;
        let whole = cx.tools.files.readable(&cx.base_dir, archive)?;
        let whole = whole.display().to_string();
        look::look(&Target::Archive(&whole), &params.how, cx).await
    }
}

/// What reaching an image takes: its registry, or, when it names none, the environment's.
fn registry(image: &str) -> Capability {
    Capability::registry_of(image).unwrap_or(Capability::Endpoint {
        family: FAMILY.to_owned(),
    })
}
