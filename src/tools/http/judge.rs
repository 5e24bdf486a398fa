//! An answer before anything was made of it, and what judges it: for loads, where each answer is judged in place.

use hyper::HeaderMap;

use super::json;
use super::response::class_of;
use crate::check::Class;

/// An answer, whole.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    pub status: u16,
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
}

/// Says whether an answer is right, and what is wrong with it.
pub type Judge = Box<dyn Fn(&Answer<'_>) -> Result<(), Class> + Send + Sync>;

impl Answer<'_> {
    /// What the status means; nothing for 2xx.
    ///
    /// # Errors
    /// The class of any other status.
    pub fn status_class(&self) -> Result<(), Class> {
        if (200..300).contains(&self.status) {
            Ok(())
        } else {
            Err(class_of(self.status))
        }
    }

    /// The first header with this name, when it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether the answer says that it is JSON.
    #[must_use]
    pub fn is_json(&self) -> bool {
        super::response::names_json(self.header("content-type").unwrap_or_default())
    }

    /// The body as JSON, by the rules of [`super::Response::json`].
    ///
    /// # Errors
    /// `unreadable_answer`.
    pub fn json(&self) -> Result<serde_json::Value, Class> {
        json::parse(self.body).map_err(|_| Class::UnreadableAnswer)
    }
}
