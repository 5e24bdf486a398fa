//! `http.request` as the request of a load.

use serde::Deserialize as _;
use serde_json::{Value as Json, json};

use super::request::{Accepted, Params, Request, wire};
use crate::action::{AsRequest, Class, Context, Failure, Judge, Prepared};
use crate::tools::http::{Answer, Body};

/// The largest file that is kept in memory as a body, in bytes.
const FILE_CAP: u64 = 16 << 20;

impl AsRequest for Request {
    fn prepare(&self, params: &Json, cx: &Context) -> Result<Prepared, Failure> {
        let rule = json!({ "accept": params.get("accept").cloned().unwrap_or_else(|| json!([])) });
        let params = Params::deserialize(params).map_err(|e| bad(&e.to_string()))?;
        let (mut request, _) = wire(params, cx)?;
        if request.redirects > 0 {
            return Err(bad("`redirects` must be 0 here: a load follows none"));
        }
        if let Body::File { content_type, path } = request.body {
            // The path was judged when it was read from the parameters.
            let bytes = cx
                .tools
                .files
                .read(&cx.base_dir, &path.to_string_lossy(), FILE_CAP)?
                .bytes;
            request.body = Body::Bytes { content_type, bytes };
        }
        Ok(Prepared {
            family: "http",
            requests: vec![request],
            rule,
        })
    }

    fn judge(&self, rule: &Json) -> Result<Judge, Failure> {
        let accept = rule.get("accept").unwrap_or(&Json::Null);
        let accept = Vec::<Accepted>::deserialize(accept).map_err(|e| bad(&e.to_string()))?;
        Ok(Box::new(move |answer: &Answer<'_>| {
            if !accept.iter().any(|a| a.takes(answer.status)) {
                answer.status_class()?;
            }
            // Who promises JSON has to keep it, as in a single request.
            if answer.is_json() && !answer.body.is_empty() {
                answer.is_sound_json()?;
            }
            Ok(())
        }))
    }
}

fn bad(why: &str) -> Failure {
    Failure::new(Class::BadParameter, format!("parameters of http.request: {why}"))
}
