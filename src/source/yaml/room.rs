//! Room on the stack for deep documents.
//!
//! The parser recurses, and in a build without optimisation each level takes about 50 KiB: 64 levels are more than
//! the 2 MiB of a usual thread. Flat documents, which are nearly all, are read where the caller is; deep ones on a
//! thread of their own, which costs about 100 µs.

/// Levels that fit on the stack of any thread.
const FLAT: usize = 20;
/// Bytes of stack for the deepest document that is read.
const STACK: usize = 16 << 20;

/// Runs `read` where it has room for the nesting of `text`; none when there is no memory for that.
pub(super) fn with_room<T: Send>(text: &str, read: impl FnOnce() -> T + Send) -> Option<T> {
    if nesting(text) <= FLAT {
        return Some(read());
    }
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("deep yaml".to_owned())
            .stack_size(STACK)
            .spawn_scoped(scope, read)
            .ok()?;
        match thread.join() {
            Ok(value) => Some(value),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// At least the number of containers inside containers: by columns for block style, by brackets for flow style
/// wherever they stand.
pub(super) fn nesting(text: &str) -> usize {
    let mut open: Vec<(usize, bool)> = Vec::new();
    let mut flow = 0_usize;
    let (mut deepest_block, mut deepest_flow) = (0, 0);
    for line in text.lines() {
        let mut column = line.len() - line.trim_start_matches([' ', '\t']).len();
        let mut rest = &line[column..];
        if rest.is_empty() || rest.starts_with('#') {
            continue;
        }
        loop {
            let item = rest.starts_with("- ") || rest.starts_with("? ") || rest == "-" || rest == "?";
            while open
                .last()
                .is_some_and(|(c, i)| *c > column || (*c == column && (*i == item || !item && *i)))
            {
                open.pop();
            }
            open.push((column, item));
            if !item {
                break;
            }
            let behind = rest[1..].trim_start_matches([' ', '\t']);
            column += rest.len() - behind.len();
            rest = behind;
            if rest.is_empty() {
                break;
            }
        }
        deepest_block = deepest_block.max(open.len());
        for b in rest.bytes() {
            match b {
                b'[' | b'{' => flow += 1,
                b']' | b'}' => flow = flow.saturating_sub(1),
                _ => {}
            }
            deepest_flow = deepest_flow.max(flow);
        }
    }
    deepest_block + deepest_flow
}

#[cfg(test)]
mod tests {
    use super::nesting;

    #[test]
    fn nesting_is_never_less_than_it_is() {
        assert_eq!(nesting("a: 1\nb: 2\n"), 1);
        // A plain item may be the first key of a mapping, so it counts as one.
        assert_eq!(nesting("a:\n- b\n- c\n"), 3);
        assert_eq!(nesting("a:\n  - b: 1\n    c:\n      d: 1\ne: 1\n"), 4);
        assert_eq!(nesting("- - - x\n"), 4);
        assert_eq!(nesting("a: [[{x: [1]}]]\n"), 5);
        assert!(nesting(&"[".repeat(100)) >= 100);
        assert!(nesting(&"- ".repeat(100)) >= 100);
        assert!(nesting("a:\n b:\n  c:\n   d:\n") >= 4);
        assert_eq!(nesting(""), 0);
    }

    #[test]
    fn a_spec_is_flat() {
        let spec = "steps:\n  - id: a\n    load.run:\n      request:\n        http.request:\n          json: {rows: [[1, 2]]}\n";
        assert!(nesting(spec) <= super::FLAT);
    }
}
