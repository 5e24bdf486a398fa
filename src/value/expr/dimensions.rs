//! Which dimension a product or quotient has. The evaluator and the type checker both ask here, so that they agree.

use crate::value::Dimension;

/// A number as arithmetic sees it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operand {
    Plain,
    Of(Dimension),
}

/// The kind of `left * right`. A ratio of something is some of it: `50% * 2s` is `1s`, `99% * 100` is the number 99.
pub(super) fn product(left: &Operand, right: &Operand) -> Option<Operand> {
    use Dimension::{Bytes, Duration, Rate, Ratio, Throughput};
    use Operand::{Of, Plain};
    Some(match (left, right) {
        (Plain, Plain | Of(Ratio))
        | (Of(Ratio), Plain)
        | (Of(Duration), Of(Rate))
        | (Of(Rate), Of(Duration)) => Plain,
        (Of(Duration), Of(Throughput)) | (Of(Throughput), Of(Duration)) => Of(Bytes),
        (Of(Bytes), Of(Rate)) | (Of(Rate), Of(Bytes)) => Of(Throughput),
        (Of(d), Plain | Of(Ratio)) | (Plain | Of(Ratio), Of(d)) => Of(d.clone()),
        (Of(_), Of(_)) => return None,
    })
}

/// The kind of `left / right`.
pub(super) fn quotient(left: &Operand, right: &Operand) -> Option<Operand> {
    use Dimension::{Bytes, Duration, Rate, Ratio, Throughput};
    use Operand::{Of, Plain};
    Some(match (left, right) {
        (Plain, Plain | Of(Ratio)) => Plain,
        (Plain, Of(Duration)) | (Of(Throughput), Of(Bytes)) => Of(Rate),
        (Plain, Of(Rate)) | (Of(Bytes), Of(Throughput)) => Of(Duration),
        (Of(Bytes), Of(Duration)) => Of(Throughput),
        (Of(Throughput), Of(Rate)) => Of(Bytes),
        (Of(a), Of(b)) if a.fits(b) => Plain,
        (Of(d), Plain | Of(Ratio)) => Of(d.clone()),
        (Plain | Of(_), Of(_)) => return None,
    })
}
