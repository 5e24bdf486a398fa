//! `kserve.infer` as the request of a load: each body is a request, each answer is read as strictly as alone.

use serde_json::Value as Json;

use super::answer::Expected;
use super::body;
use super::infer::{Infer, Params};
use super::refusal;
use crate::action::{Answer, AsRequest, Class, Context, Failure, Judge, Prepared};
use crate::tools::http::{Body, Request};

impl AsRequest for Infer {
    fn prepare(&self, params: &Json, cx: &Context) -> Result<Prepared, Failure> {
        let params: Params = serde_json::from_value(params.clone())
            .map_err(|e| Failure::new(Class::BadParameter, format!("parameters of kserve.infer: {e}")))?;
        super::client::endpoint(cx)?;
        let bodies = params.asked().bodies(cx, None)?;
        let expected = Expected {
            rows: body::rows_of_each(&bodies),
            ..params.expected()
        };
        let path = params.path();
        let request = |prepared: body::Prepared| {
            let mut request = Request::new("POST", path.clone());
            request.body = Body::Bytes {
                content_type: Some("application/json".to_owned()),
                bytes: prepared.bytes,
            };
            request
        };
        Ok(Prepared {
            family: super::FAMILY.name,
            requests: bodies.into_iter().map(request).collect(),
            rule: serde_json::to_value(expected)
                .map_err(|e| Failure::new(Class::Internal, format!("the rule of kserve.infer: {e}")))?,
        })
    }

    fn judge(&self, rule: &Json) -> Result<Judge, Failure> {
        let expected: Expected = serde_json::from_value(rule.clone())
            .map_err(|e| Failure::new(Class::Internal, format!("the rule of kserve.infer: {e}")))?;
        Ok(Box::new(move |answer: &Answer<'_>| {
            if let Err(class) = answer.status_class() {
                return Err(refusal::class(class, answer.status, answer.body));
            }
            let read = expected.read(answer.json()?, None);
            read.map(|_| ()).map_err(|_| Class::UnreadableAnswer)
        }))
    }
}
