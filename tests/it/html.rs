//! The HTML report in a real browser: it loads, shows, opens, filters, and runs nothing that came from outside.
//!
//! One browser for all of it, since starting one is the dear part. With `SPECRUN_SCREENSHOTS=DIR` pictures are kept.

use std::path::Path;

use serde_json::json;
use specrun::check::{CheckOutcome, Verdict};
use specrun::event::{Event, Role};
use specrun::report::{Fold, Format, Options, render};

use crate::support::events::{self, Story, spec};
use crate::support::webdriver::Browser;

#[test]
fn the_page_in_a_browser() {
    let Some(browser) = Browser::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    shows_a_run(&browser, dir.path());
    draws_distributions(&browser, dir.path());
    runs_nothing_from_outside(&browser, dir.path());
    opens_ten_thousand_checks(&browser, dir.path());
}

fn load(browser: &Browser, dir: &Path, name: &str, events: &[Event]) {
    let page = render(Format::Html, &Fold::all(events), &Options::default()).unwrap();
    let path = dir.join(name);
    std::fs::write(&path, page).unwrap();
    browser.open(&format!("file://{}", path.display()));
    browser.wait("document.querySelector('.item')");
    assert_eq!(browser.errors(), Vec::<String>::new());
}

fn shows_a_run(browser: &Browser, dir: &Path) {
    load(browser, dir, "run.html", &events::every_verdict());
    assert_eq!(browser.text("h1"), "8 of 10 specs did not pass");
    assert_eq!(browser.count(".item"), 10);
    assert_eq!(browser.text(".count.failed b"), "4");
    browser.picture("light.png");

    // A failed spec: its checks, its steps over time, its distribution.
    browser.click("[data-spec='T07'] .row");
    assert!(
        browser
            .text("[data-spec='T07'] .check.bad .in")
            .contains("p95 is 240ms; 10 of 100 were not below the limit")
    );
    assert!(
        browser
            .text("[data-spec='T07'] .check.bad .in")
            .contains("serving contract, matrix row T07")
    );
    assert_eq!(browser.count("[data-spec='T07'] .stepbox"), 2);
    browser.click("[data-spec='T07'] [data-step='traffic'] summary");
    browser.wait("document.querySelector(\"[data-spec='T07'] .barfill\")");
    let plot = browser.text("[data-spec='T07'] [data-step='traffic'] .in");
    assert!(
        plot.contains("latency") && plot.contains("240ms") && plot.contains("\"requests\": 100"),
        "{plot}"
    );
    browser.click("[data-spec='T07'] [data-step='ready'] summary");
    browser.wait("document.querySelectorAll(\"[data-spec='T07'] .history tr\").length === 5");
    browser.run("document.querySelector('.fall').scrollIntoView()");
    browser.picture("open.png");
    browser.click("[data-spec='T07'] .row");
    assert_eq!(browser.count("[data-spec='T07'] .body"), 0);

    // Masked requests, a failure with its cure, a difference.
    browser.click("[data-spec='T09'] .row");
    // The step that broke is open already.
    browser.wait("document.querySelector(\"[data-spec='T09'] .fail\")");
    let failure = browser.text("[data-spec='T09'] .stepbox .in");
    assert!(
        failure.contains("authorization: ***") && failure.contains("help: is the service up?"),
        "{failure}"
    );
    browser.click("[data-spec='T18'] .row");
    assert_eq!(
        browser.text("[data-spec='T18'] .del"),
        "-  \"stage\": \"Production\","
    );
    assert_eq!(
        browser.text("[data-spec='T18'] .add"),
        "+  \"stage\": \"Staging\","
    );

    // Filters.
    browser.click("[data-verdict='blocked']");
    assert_eq!(browser.count(".item"), 1);
    assert!(browser.text(".item .id").starts_with("T10"));
    browser.click("[data-verdict='blocked']");
    browser.run("const i = document.getElementById('search'); i.value = 'LATENCY.P95'; i.dispatchEvent(new Event('input'))");
    browser.wait("document.querySelectorAll('.item').length === 1");
    browser.run("const i = document.getElementById('search'); i.value = 'nothing has this'; i.dispatchEvent(new Event('input'))");
    browser.wait("document.querySelector('.none')");
    browser.run(
        "const i = document.getElementById('search'); i.value = ''; i.dispatchEvent(new Event('input'))",
    );
    browser.wait("document.querySelectorAll('.item').length === 10");

    let ground = "return getComputedStyle(document.body).backgroundColor";
    let before = browser.run(ground);
    browser.click("#theme");
    assert_ne!(browser.run(ground), before);
    browser.click("[data-spec='T07'] .row");
    browser.picture("dark.png");
    browser.resize(420, 900);
    browser.picture("narrow.png");
    assert_eq!(
        browser.run("return document.documentElement.scrollWidth <= innerWidth"),
        json!(true),
        "a narrow page scrolls only down"
    );
    browser.resize(1360, 900);
    assert_eq!(browser.errors(), Vec::<String>::new());
}

/// Two columns, the second drifted; its name and a category try to be markup.
fn draws_distributions(browser: &Browser, dir: &Path) {
    let evil = "<img src=x onerror=\"document.title='stolen'\">";
    let mut s = Story::new(vec![spec(
        "T09",
        "Drift",
        "drift",
        &["drift"],
        &[("expect[0]", "not drift.drifted")],
    )]);
    s.begin("T09")
        .start("T09", "drift", Role::Step, "drift.detect", json!({}));
    let output = json!({"columns": [
        {"name": "age", "drifted": false,
         "bars": {"labels": ["0", "50", "100"], "reference": [0.5, 0.5], "current": [0.4, 0.6]}},
        {"name": evil, "drifted": true,
         "bars": {"labels": [evil, "b"], "reference": [1.0, 0.0], "current": [0.0, 1.0]}},
    ]});
    s.pass("T09", "drift", Role::Step, output, 0.1);
    s.checked(
        "T09",
        None,
        "expect[0]",
        CheckOutcome::new(Verdict::Failed, "drifted"),
    );
    s.end("T09", Verdict::Failed, None, 0.2, 1);
    s.finish(1);
    load(browser, dir, "drift.html", &s.events);
    browser.click(".stepbox summary");
    browser.wait("document.querySelectorAll('.stepbox svg.plot').length === 2");
    assert_eq!(
        browser.count(".stepbox .barnew"),
        2 * 2 + 2,
        "bars and keys of the current tables"
    );
    // What drifted stands first.
    assert_eq!(browser.text(".stepbox .sub"), format!("{evil}: drifted"));
    assert_eq!(browser.count("img"), 0);
    browser.picture("drift.png");
}

fn runs_nothing_from_outside(browser: &Browser, dir: &Path) {
    let evil =
        "</script><script>document.title='stolen'</script><img src=x onerror=\"document.title='stolen'\">";
    let mut s = Story::new(vec![spec(
        "T01",
        evil,
        "security",
        &["s"],
        &[("expect[0]", evil)],
    )]);
    s.begin("T01")
        .start("T01", "s", Role::Step, evil, json!({evil: evil}));
    s.pass("T01", "s", Role::Step, json!({"body": evil}), 0.1);
    s.checked("T01", None, "expect[0]", CheckOutcome::new(Verdict::Failed, evil));
    s.end("T01", Verdict::Failed, Some(evil), 0.2, 1);
    s.finish(1);
    load(browser, dir, "hostile.html", &s.events);
    // The only spec is open already.
    browser.click(".stepbox summary");
    browser.wait("document.querySelectorAll('pre').length === 2");
    assert!(
        browser.text(".stepbox .in").contains("onerror"),
        "the text is shown"
    );
    assert_eq!(browser.count("img"), 0);
    assert_eq!(
        browser.run("return document.title"),
        json!("specrun: 1 of 1 spec did not pass")
    );
}

fn opens_ten_thousand_checks(browser: &Browser, dir: &Path) {
    let ids: Vec<_> = (0..1000).map(|i| format!("S{i:04}")).collect();
    let checks: Vec<_> = (0..10)
        .map(|i| (format!("expect[{i}]"), format!("get.status == {i}")))
        .collect();
    let checks: Vec<_> = checks
        .iter()
        .map(|(id, text)| (id.as_str(), text.as_str()))
        .collect();
    let mut s = Story::new(
        ids.iter()
            .map(|id| spec(id, "One of many", "load", &["get"], &checks))
            .collect(),
    );
    for id in &ids {
        s.begin(id).start(
            id,
            "get",
            Role::Step,
            "http.request",
            json!({"url": "http://127.0.0.1/"}),
        );
        s.pass(id, "get", Role::Step, json!({"status": 200}), 0.01);
        for (check, _) in &checks {
            s.checked(id, None, check, CheckOutcome::new(Verdict::Passed, "actual 200"));
        }
        s.end(id, Verdict::Passed, None, 0.01, 1);
    }
    s.finish(0);
    load(browser, dir, "many.html", &s.events);
    assert_eq!(browser.text("h1"), "All of 1000 specs passed");
    assert!(browser.count(".item") < 1000, "rows are made when they are seen");
    // Scrolling brings the rest.
    while browser.count(".item") < 1000 {
        let before = browser.count(".item");
        browser.run("scrollTo(0, document.body.scrollHeight)");
        browser.wait(&format!("document.querySelectorAll('.item').length > {before}"));
    }
    assert!(browser.text(".item:last-child").contains("S0999"));
}
