//! CSV as Go's encoder writes it (RFC 4180), record by record, so that a file of any length needs little memory.

use std::io::BufRead;

/// The longest record, in bytes: a URL can be long, but not that long.
const LONGEST: usize = 1 << 20;

/// Reads records.
pub(super) struct Records<R> {
    from: R,
    line: Vec<u8>,
}

impl<R: BufRead> Records<R> {
    pub(super) const fn new(from: R) -> Self {
        Self {
            from,
            line: Vec::new(),
        }
    }

    /// The next record; none at the end.
    ///
    /// # Errors
    /// A file that cannot be read, or is no CSV.
    pub(super) fn next(&mut self) -> Result<Option<Vec<String>>, String> {
        self.line.clear();
        loop {
            let had = self.line.len();
            let mut limited = std::io::Read::take(&mut self.from, LONGEST as u64 + 1);
            limited
                .read_until(b'\n', &mut self.line)
                .map_err(|e| e.to_string())?;
            if self.line.len() == had {
                return if had == 0 {
                    Ok(None)
                } else {
                    Err("a quote is not closed".to_owned())
                };
            }
            if self.line.len() > LONGEST {
                return Err(format!("a record is longer than {LONGEST} bytes"));
            }
            // A field in quotes may hold line ends.
            if self.line.split(|b| *b == b'"').count() % 2 == 1 {
                break;
            }
        }
        let text = std::str::from_utf8(&self.line).map_err(|_| "not UTF-8".to_owned())?;
        Ok(Some(fields(text.trim_end_matches(['\n', '\r']))))
    }
}

fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(c) = characters.next() {
        let Some(field) = fields.last_mut() else { break };
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            c => field.push(c),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Result<Vec<Vec<String>>, String> {
        let mut records = Records::new(text.as_bytes());
        let mut all = Vec::new();
        while let Some(record) = records.next()? {
            all.push(record);
        }
        Ok(all)
    }

    #[test]
    fn quotes_commas_and_line_ends_are_kept() {
        let got = all("a,b\n\"x,y\",\"say \"\"no\"\"\nnow\"\r\n,\n").unwrap();
        assert_eq!(got, [["a", "b"], ["x,y", "say \"no\"\nnow"], ["", ""]]);
        assert_eq!(all("").unwrap(), Vec::<Vec<String>>::new());
        assert_eq!(all("a").unwrap(), [["a"]]);
    }

    #[test]
    fn what_is_no_csv_is_told() {
        assert!(all("\"a").unwrap_err().contains("not closed"));
        assert!(all(&"x".repeat(LONGEST + 2)).is_err());
        assert!(Records::new(&b"\xff\n"[..]).next().unwrap_err().contains("UTF-8"));
    }
}
