//! Where a request goes: the URL with its query, judged against the grants.

use url::Url;

use super::address;
use super::request::Request;
use crate::check::{Class, Failure};
use crate::tools::capability::bare_host;
use crate::tools::grants::refused;
use crate::tools::{Capability, Endpoint, Grants};

/// The URL of a request, and whether it is on the endpoint, whose credentials it then gets.
pub fn url(endpoint: Option<&Endpoint>, request: &Request) -> Result<(Url, bool), Failure> {
    let base = endpoint.map(base_url).transpose()?.flatten();
    let (mut url, on_endpoint) = if is_absolute(&request.url) {
        let url = parse(&request.url)?;
        let on_endpoint = base.as_ref().is_some_and(|base| base.origin() == url.origin());
        (url, on_endpoint)
    } else {
        let Some(base) = base else {
            let family = endpoint.map_or("", |e| e.family.as_str());
            let family = if family.is_empty() { "http" } else { family };
            return Err(Failure::new(
                Class::Missing,
                format!(
                    "`{}` is a path, and the environment has no URL for `{family}`",
                    request.url
                ),
            )
            .help(format!(
                "add `endpoints: {{{family}: {{url: ...}}}}` to the environment file, or write a whole URL"
            )));
        };
        let joined = format!(
            "{}/{}",
            base.as_str().trim_end_matches('/'),
            request.url.trim_start_matches('/')
        );
        let url = parse(&joined)?;
        let prefix = base.path().trim_end_matches('/');
        if url.path() != prefix && !url.path().starts_with(&format!("{prefix}/")) {
            return Err(Failure::new(
                Class::BadParameter,
                format!("the path `{}` leaves the endpoint {base}", request.url),
            ));
        }
        (url, true)
    };
    if !request.query.is_empty() {
        url.query_pairs_mut().extend_pairs(&request.query);
    }
    url.set_fragment(None);
    Ok((url, on_endpoint))
}

/// Whether a URL may be reached. `family` grants the endpoint of a family as a whole.
pub fn judge(grants: &Grants, url: &Url, family: Option<&str>) -> Result<(), Failure> {
    let host = bare_host(url.host_str().unwrap_or_default());
    let port = url.port_or_known_default();
    let wanted = Capability::Net {
        host: host.to_owned(),
        port,
    };
    if host == crate::tools::capability::UNKNOWN {
        return Err(refused(&wanted, "not a host"));
    }
    let by_family = family.is_some_and(|family| {
        grants.names(&Capability::Endpoint {
            family: family.to_owned(),
        })
    });
    let denied_or_not_granted = grants.check(&wanted);
    match denied_or_not_granted {
        // What is denied stays denied, even when the family is granted.
        Err(failure) if !by_family || failure.message.contains("denied by") => return Err(failure),
        _ => {}
    }
    if let Ok(ip) = host.parse() {
        address::judge(grants, host, ip, port)?;
    }
    Ok(())
}

/// Where a redirect leads.
pub fn redirected(from: &Url, location: &str) -> Result<Url, Failure> {
    let broken = |why: &str| {
        Failure::new(
            Class::Redirect,
            format!(
                "{} redirects to `{}`: {why}",
                without_query(from),
                shorten(location)
            ),
        )
    };
    let to = from.join(location).map_err(|e| broken(&e.to_string()))?;
    if !matches!(to.scheme(), "http" | "https") {
        return Err(broken("only http and https are followed"));
    }
    if from.scheme() == "https" && to.scheme() == "http" {
        return Err(broken("from https to http nothing is followed"));
    }
    if !to.username().is_empty() || to.password().is_some() {
        return Err(broken("a URL with credentials in it is not followed"));
    }
    Ok(to)
}

/// For messages: scheme, host, port and path.
pub fn without_query(url: &Url) -> String {
    let mut short = url.clone();
    short.set_query(None);
    short.set_fragment(None);
    short.to_string()
}

fn base_url(endpoint: &Endpoint) -> Result<Option<Url>, Failure> {
    endpoint.url.as_deref().map(parse).transpose().map(|url| {
        url.map(|mut url| {
            url.set_query(None);
            url.set_fragment(None);
            url
        })
    })
}

fn is_absolute(url: &str) -> bool {
    let lower = url.get(..8).unwrap_or(url).to_ascii_lowercase();
    lower.starts_with("http:") || lower.starts_with("https:") || url.contains("://") && !url.starts_with('/')
}

fn parse(text: &str) -> Result<Url, Failure> {
    let bad = |why: &str| {
        Failure::new(
            Class::BadParameter,
            format!("the URL `{}` cannot be used: {why}", shorten(text)),
        )
    };
    if text.contains(|c: char| c.is_control()) {
        return Err(bad("it holds a control character"));
    }
    let url = Url::parse(text).map_err(|e| bad(&e.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad("only http and https are spoken"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        let mut clean = url.clone();
        let _ = clean.set_username("");
        let _ = clean.set_password(None);
        return Err(Failure::new(
            Class::BadParameter,
            format!(
                "the URL of {} holds credentials, which would be shown everywhere",
                without_query(&clean)
            ),
        )
        .help(
            "give them as a secret: `auth: {basic: {username: ..., password: \"${{ inputs.password }}\"}}`",
        ));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(bad("it has no host"));
    }
    Ok(url)
}

fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(200).filter(|c| !c.is_control()).collect();
    if text.chars().count() > 200 {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(url: &str) -> Endpoint {
        Endpoint {
            family: "mlflow".into(),
            url: Some(url.into()),
            ..Endpoint::default()
        }
    }

    fn at(endpoint: Option<&Endpoint>, text: &str) -> Result<(String, bool), Class> {
        let request = Request::new("GET", text);
        url(endpoint, &request)
            .map(|(u, on)| (u.to_string(), on))
            .map_err(|f| f.class)
    }

    #[test]
    fn paths_stay_below_the_endpoint() {
        let e = endpoint("http://h:5000/base/?x=1");
        assert_eq!(
            at(Some(&e), "/api/x?a=b").unwrap(),
            ("http://h:5000/base/api/x?a=b".into(), true)
        );
        assert_eq!(at(Some(&e), "api/x").unwrap().0, "http://h:5000/base/api/x");
        assert_eq!(
            at(Some(&e), "//evil.example/x").unwrap().0,
            "http://h:5000/base/evil.example/x"
        );
        assert_eq!(
            at(Some(&e), "@evil.example/x").unwrap().0,
            "http://h:5000/base/@evil.example/x"
        );
        for escape in [
            "../other",
            "a/../../other",
            "%2e%2e/other",
            "a/%2E%2e/%2e./other",
            "..\\other",
        ] {
            assert_eq!(at(Some(&e), escape), Err(Class::BadParameter), "{escape}");
        }
        assert_eq!(at(Some(&endpoint("http://h")), "../x").unwrap().0, "http://h/x");
    }

    #[test]
    fn whole_urls_get_the_credentials_only_on_the_same_origin() {
        let e = endpoint("http://h:5000");
        assert!(at(Some(&e), "http://H:5000/x").unwrap().1);
        assert!(!at(Some(&e), "http://h:5001/x").unwrap().1);
        assert!(!at(Some(&e), "https://h:5000/x").unwrap().1);
        assert!(!at(None, "http://h:5000/x").unwrap().1);
    }

    #[test]
    fn what_is_no_plain_http_url_is_refused() {
        assert_eq!(at(None, "/x"), Err(Class::Missing));
        for bad in [
            "ftp://h/x",
            "file:///etc/passwd",
            "http://",
            "http://u:p@h/",
            "http://h/\r\nX: y",
            "https:///x y:1",
            "gopher://h",
            "http://h:99999/",
        ] {
            assert!(
                at(None, bad) == Err(Class::BadParameter)
                    || at(None, bad).is_ok_and(|(u, _)| u.starts_with("https://x")),
                "{bad}"
            );
        }
    }

    #[test]
    fn credentials_in_a_url_are_not_repeated() {
        let failure = url(None, &Request::new("GET", "http://user:hunter22@h/")).unwrap_err();
        assert!(!failure.to_string().contains("hunter22"), "{failure}");
    }

    #[test]
    fn redirects_are_judged() {
        let from: Url = "https://h/a/b?q=1".parse().unwrap();
        assert_eq!(redirected(&from, "../c").unwrap().as_str(), "https://h/c");
        assert_eq!(
            redirected(&from, "//other/x").unwrap().as_str(),
            "https://other/x"
        );
        for bad in [
            "http://h/x",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "https://u:p@h/",
            "https://[::1/",
        ] {
            assert_eq!(
                redirected(&from, bad).unwrap_err().class,
                Class::Redirect,
                "{bad}"
            );
        }
    }
}
