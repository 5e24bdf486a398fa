//! Takes secrets out of what goes into an event.

use super::Event;

/// Applies `mask` to every text of an event that came from outside.
pub fn apply(event: &mut Event, mask: &dyn Fn(&str) -> String) {
    let _ = (event, mask);
    todo!()
}
