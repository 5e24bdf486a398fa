//! The HTTP client every family uses: one place for limits, classes, grants and masking.
//!
//! What can go wrong has a class ([`classify`]), a bounded time and bounded memory. Redirects are followed only when
//! asked for, and each hop is judged like a first request. Names are resolved here, so that the address that is
//! judged is the address that is connected to.

mod address;
mod body;
mod classify;
mod client;
mod headers;
mod inflate;
mod json;
mod judge;
mod ready;
mod request;
mod response;
mod target;

pub use address::{Lookup, SystemLookup};
pub use client::Http;
pub use json::{JsonError, parse as parse_json};
pub use judge::{Answer, Judge};
pub use ready::{Blob, Peer, Ready, Tls};
pub use request::{Body, Limits, Request, Text, Until};
pub use response::{Response, class_of};

// What the Kubernetes client shares with this one: judged addresses, classes, caps.
pub(in crate::tools) use address::addresses;
pub(in crate::tools) use classify::{Phase, body_failure, by_cause, failure as client_failure};
pub(in crate::tools) use client::{Bound, use_ring, within};
pub(in crate::tools) use headers::received;
pub(in crate::tools) use inflate::Inflate;
pub(in crate::tools) use target::judge as judge_url;
