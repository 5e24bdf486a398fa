//! An answer before anything was made of it, and what judges it: for loads, where each answer is judged in place.

use super::json;
use super::response::class_of;
use crate::check::Class;

/// An answer, whole.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    pub status: u16,
    /// The header of this name, when it is text.
    pub content_type: Option<&'a str>,
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

    /// Whether the body is a page of HTML, whatever the answer says that it is.
    #[must_use]
    pub fn is_page(&self) -> bool {
        let body = self.body.trim_ascii_start();
        let starts = |with: &str| {
            let start = body.get(..with.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(with.as_bytes()))
        };
        starts("<!doctype html") || starts("<html")
    }

    /// Whether the answer says that it is JSON.
    #[must_use]
    pub fn is_json(&self) -> bool {
        super::response::names_json(self.content_type.unwrap_or_default())
    }

    /// Whether the body is JSON by the same rules as [`Answer::json`], which costs a quarter of reading it.
    ///
    /// # Errors
    /// `unreadable_answer`.
    pub fn is_sound_json(&self) -> Result<(), Class> {
        json::check(self.body).map_err(|_| Class::UnreadableAnswer)
    }

    /// The body as JSON, by the rules of [`super::Response::json`].
    ///
    /// # Errors
    /// `unreadable_answer`.
    pub fn json(&self) -> Result<serde_json::Value, Class> {
        json::parse(self.body).map_err(|_| Class::UnreadableAnswer)
    }
}
