//! Did you mean?

/// How many known names a help line lists before it only counts the rest.
const LISTED: usize = 12;

/// The nearest of `known` to `word`, if one is near enough to be meant: at most a third of its letters differ, or
/// one is the other in another spelling (case, `-` for `_`). Of equally near ones the first.
#[must_use]
pub fn closest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = fold(word);
    let mut best: Option<(usize, &'a str)> = None;
    for name in known {
        let other = fold(name);
        let longest = folded.chars().count().max(other.chars().count());
        let limit = (longest / 3).max(1);
        let distance = if folded == other {
            0
        } else if longest > 100 {
            continue;
        } else {
            strsim::damerau_levenshtein(&folded, &other)
        };
        // A name of two letters is near to every other; only its own spelling counts.
        if distance > limit || (longest <= 2 && distance > 0) {
            continue;
        }
        if best.is_none_or(|(d, _)| distance < d) {
            best = Some((distance, name));
        }
    }
    best.map(|(_, name)| name)
}

/// A help line: the nearest name, else the list of what is known (cut after some).
#[must_use]
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> Option<String> {
    if let Some(name) = closest(word, known.clone()) {
        return Some(format!("did you mean `{name}`?"));
    }
    let all: Vec<&str> = known.into_iter().collect();
    let shown: Vec<String> = all.iter().take(LISTED).map(|n| format!("`{n}`")).collect();
    match all.len() {
        0 => None,
        n if n > LISTED => Some(format!("known are {} and {} more", shown.join(", "), n - LISTED)),
        1 => Some(format!("known is only {}", shown[0])),
        _ => Some(format!("known are {}", shown.join(", "))),
    }
}

fn fold(word: &str) -> String {
    word.chars()
        .flat_map(char::to_lowercase)
        .map(|c| if c == '-' || c == ' ' { '_' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{closest, did_you_mean};

    const NAMES: [&str; 4] = ["within", "expect_failure", "every", "id"];

    #[test]
    fn a_slip_of_the_finger_finds_its_name() {
        assert_eq!(closest("witihn", NAMES), Some("within"));
        assert_eq!(closest("expectFailure", NAMES), Some("expect_failure"));
        assert_eq!(closest("Expect-Failure", NAMES), Some("expect_failure"));
        assert_eq!(closest("evry", NAMES), Some("every"));
        assert_eq!(closest("ID", NAMES), Some("id"));
    }

    #[test]
    fn a_different_word_finds_none() {
        assert_eq!(closest("timeout", NAMES), None);
        assert_eq!(closest("if", NAMES), None);
        assert_eq!(closest("", NAMES), None);
        assert_eq!(closest("within", []), None);
    }

    #[test]
    fn without_a_near_name_the_known_ones_are_listed() {
        assert_eq!(
            did_you_mean("witin", NAMES).as_deref(),
            Some("did you mean `within`?")
        );
        assert_eq!(
            did_you_mean("timeout", NAMES).as_deref(),
            Some("known are `within`, `expect_failure`, `every`, `id`")
        );
        assert_eq!(did_you_mean("x", []), None);
        let many: Vec<String> = (0..30).map(|i| format!("a_long_name_{i}")).collect();
        let help = did_you_mean("z", many.iter().map(String::as_str)).expect("there are names");
        assert!(help.ends_with("`a_long_name_11` and 18 more"), "{help}");
    }
}
