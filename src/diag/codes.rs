//! The closed list of diagnostic codes. A code is never reused.

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Warning,
    Error,
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $name:ident = $code:literal, $title:literal;)*) => {
        /// A kind of mistake. `specrun explain E0101` prints the documentation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[doc = $doc])* $name,)*
        }

        impl Code {
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// `E0101`.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => $code),* }
            }

            /// A few words: what kind of mistake it is.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title),* }
            }

            /// What it means, why it is refused and how to cure it.
            #[must_use]
            pub const fn explanation(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc, "\n"),*)),* }
            }
        }
    };
}

codes! {
    /// The text is not YAML. The caret stands where the reader could not go on; the mistake is often just before.
    Syntax = "E0101", "not YAML";
    /// A key stands twice in one mapping. Most YAML readers silently keep the last one; the other would be lost.
    DuplicateKey = "E0102", "duplicate key";
    /// `{{ x }}` or `${{ x }}` without quotes: YAML reads `{` as the start of a mapping. Put the whole value in quotes.
    UnquotedTemplate = "E0103", "expression without quotes";
    /// A YAML tag (`!name`) that specrun does not know. Specs need none.
    UnknownTag = "E0104", "unknown tag";
    /// The file holds more than one document (`---`). One file is one spec, so that nothing after the first is lost.
    SeveralDocuments = "E0105", "several documents";
    /// The file is larger, deeper or has more aliases than any spec needs: a bomb.
    Budget = "E0106", "too large or too deep";
    /// A value that YAML 1.1 and 1.2 read differently (`yes`, `on`, `0777`, `1_000`). Quote it, or write `true`, `false`.
    Ambiguous = "E0107", "ambiguous value";
    /// The file is empty, so nothing would be tested.
    Empty = "E0108", "empty file";
    /// The file is not UTF-8.
    NotUtf8 = "E0109", "not UTF-8";
    /// The file cannot be read.
    Unreadable = "E0110", "unreadable file";
    /// Nothing matches: a path that does not exist, an empty folder, a pattern without a match.
    NoSuchPath = "E0111", "nothing there";
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn codes_are_unique_and_explained() {
        let mut seen = std::collections::HashSet::new();
        for code in Code::ALL {
            assert!(seen.insert(code.id()), "{} stands twice", code.id());
            assert!(code.explanation().len() > 20, "{} is not explained", code.id());
        }
    }
}
