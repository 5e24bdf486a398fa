//! Conditions of SQL in the expression language: comparisons, `and`, `or`, `not`, `in`, `is null`, arithmetic. Functions
//! and everything else are refused. Dialects differ in what is beyond this, and a guess would be another check.

/// A condition as an expression over columns.
///
/// # Errors
/// What is not understood.
pub fn condition(sql: &str) -> Result<String, String> {
    let refused = |why: &str| format!("the SQL condition `{}` is not understood: {why}", sql.trim());
    let tokens = tokens(sql).map_err(|why| refused(&why))?;
    let text = translate(&tokens).map_err(|why| refused(&why))?;
    match crate::value::expr::parse(&text) {
        Ok(_) => Ok(text),
        Err(e) => Err(refused(&e.message)),
    }
}

/// A column by its name, whatever that looks like.
pub fn column(name: &str) -> String {
    format!("column({})", quoted(name))
}

/// A text of the expression language.
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    /// A word that is a key word or a column.
    Word(String),
    /// `"name"`, `` `name` ``.
    Name(String),
    Text(String),
    Number(String),
    Sign(String),
}

fn tokens(sql: &str) -> Result<Vec<Token>, String> {
    let mut out = Vec::new();
    let mut rest = sql.trim_start();
    while let Some(c) = rest.chars().next() {
        let (token, length) = match c {
            '\'' | '"' | '`' => {
                let (text, length) = quoted_token(rest, c)?;
                let token = if c == '\'' {
                    Token::Text(text)
                } else {
                    Token::Name(text)
                };
                (token, length)
            }
            c if c.is_ascii_digit() => {
                let length = length_of(rest, |c| c.is_ascii_digit() || c == '.');
                (Token::Number(rest[..length].to_owned()), length)
            }
            c if c.is_alphabetic() || c == '_' => {
                let length = length_of(rest, |c| c.is_alphanumeric() || c == '_' || c == '.');
                (Token::Word(rest[..length].to_owned()), length)
            }
            _ => {
                let two = rest
                    .get(..2)
                    .filter(|s| ["<=", ">=", "<>", "!=", "=="].contains(s));
                let one = rest.get(..1).filter(|s| "=<>+-*/(),".contains(s));
                let sign = two.or(one).ok_or_else(|| format!("`{c}` stands in it"))?;
                (Token::Sign(sign.to_owned()), sign.len())
            }
        };
        out.push(token);
        rest = rest[length..].trim_start();
    }
    if out.is_empty() {
        return Err("it is empty".to_owned());
    }
    Ok(out)
}

fn length_of(text: &str, is: impl Fn(char) -> bool) -> usize {
    text.find(|c| !is(c)).unwrap_or(text.len())
}

/// A quoted token, its quotes taken off, and how long it is with them; two quotes stand for one.
fn quoted_token(text: &str, quote: char) -> Result<(String, usize), String> {
    let mut out = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != quote {
            out.push(c);
        } else if chars.peek().is_some_and(|(_, next)| *next == quote) {
            chars.next();
            out.push(quote);
        } else {
            return Ok((out, at + 1));
        }
    }
    Err(format!("a quote {quote} is not closed"))
}

fn translate(tokens: &[Token]) -> Result<String, String> {
    let mut out: Vec<String> = Vec::new();
    let mut at = 0;
    let word = |at: usize| match tokens.get(at) {
        Some(Token::Word(w)) => w.to_ascii_lowercase(),
        _ => String::new(),
    };
    // Inside `in (...)`, whose brackets are those of a list.
    let mut list = false;
    while let Some(token) = tokens.get(at) {
        match token {
            Token::Text(text) => out.push(quoted(text)),
            Token::Number(number) => out.push(number.clone()),
            Token::Name(name) => out.push(column(name)),
            Token::Sign(sign) => out.push(match sign.as_str() {
                "=" => "==".to_owned(),
                "<>" => "!=".to_owned(),
                ")" if list => {
                    list = false;
                    "]".to_owned()
                }
                other => other.to_owned(),
            }),
            Token::Word(name) => match word(at).as_str() {
                key @ ("and" | "or" | "not" | "true" | "false") => out.push(key.to_owned()),
                "in" => {
                    if tokens.get(at + 1) != Some(&Token::Sign("(".to_owned())) {
                        return Err("after `in` a list is expected".to_owned());
                    }
                    out.push("in [".to_owned());
                    list = true;
                    at += 1;
                }
                "is" => {
                    let absent = word(at + 1) == "null";
                    let present = word(at + 1) == "not" && word(at + 2) == "null";
                    if !absent && !present {
                        return Err("after `is` only `null` and `not null` are known".to_owned());
                    }
                    out.push(if absent { "is absent" } else { "is present" }.to_owned());
                    at += if absent { 1 } else { 2 };
                }
                "like" | "ilike" | "between" | "case" | "exists" | "select" => {
                    return Err(format!("`{name}` stands in it"));
                }
                _ if tokens.get(at + 1) == Some(&Token::Sign("(".to_owned())) => {
                    return Err(format!("it calls `{name}`"));
                }
                _ if name.contains('.') => return Err(format!("`{name}` is a column of some table")),
                _ => out.push(column(name)),
            },
        }
        at += 1;
    }
    Ok(out.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_conditions_are_translated() {
        for (sql, wanted) in [
            ("country = 'DE'", r#"column("country") == "DE""#),
            (
                "\"my col\" <> 'it''s' AND amount >= 1.5",
                r#"column("my col") != "it's" and column("amount") >= 1.5"#,
            ),
            (
                "status in ('a', 'b') or x IS NOT NULL",
                r#"column("status") in [ "a" , "b" ] or column("x") is present"#,
            ),
            ("NOT (a + b > 2)", r#"not ( column("a") + column("b") > 2 )"#),
            ("x is null", r#"column("x") is absent"#),
        ] {
            assert_eq!(condition(sql).as_deref(), Ok(wanted), "{sql}");
        }
    }

    #[test]
    fn what_could_mean_something_else_is_refused() {
        for sql in [
            "lower(a) = 'x'",
            "a like 'x%'",
            "t.a = 1",
            "a in (select b from c)",
            "a = ",
            "",
            "a = 'open",
            "a = 1; drop table x",
            "a ~ 'x'",
            "a between 1 and 2",
        ] {
            assert!(condition(sql).is_err(), "{sql}: {:?}", condition(sql));
        }
    }
}
