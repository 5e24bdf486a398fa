//! `s3://bucket/key`.

use crate::check::{Class, Failure};

/// A bucket and a key in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub bucket: String,
    pub key: String,
}

impl Place {
    /// Whether a text is an address of this kind, right or wrong.
    #[must_use]
    pub fn is_one(text: &str) -> bool {
        text.starts_with("s3://")
    }

    /// Reads an address.
    ///
    /// # Errors
    /// Class `bad_parameter` when a part is missing.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let parts = text.strip_prefix("s3://").and_then(|rest| rest.split_once('/'));
        match parts {
            Some((bucket, key)) if !bucket.is_empty() && !key.is_empty() => Ok(Self {
                bucket: bucket.to_owned(),
                key: key.to_owned(),
            }),
            _ => Err(Failure::new(
                Class::BadParameter,
                format!("`{text}` is not the address of an object"),
            )
            .help("it looks like s3://bucket/folder/file.csv")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn an_address_has_a_bucket_and_a_key() {
        let place = Place::parse("s3://data/a/b.csv").unwrap();
        assert_eq!((place.bucket.as_str(), place.key.as_str()), ("data", "a/b.csv"));
        for wrong in ["s3://data", "s3://data/", "s3:///x", "data/x", "http://h/x", ""] {
            let failure = Place::parse(wrong).unwrap_err();
            assert!(failure.message.contains("is not the address"), "{wrong}");
        }
    }
}
