//! A service starts after what it needs, is there when it says so, and ends with its children; one that is not is told.

use std::sync::Mutex;

use super::{Place, TALKER, error, gone, runs};

#[test]
fn a_service_is_ready_when_it_says_so_and_ends_with_its_children() {
    let place = Place::new();
    let lease = place.lease(&place.environment(TALKER), "run").unwrap();
    let port = lease.facts().ports[0].2;
    let log = std::fs::read_to_string(place.path("run/talker.log")).unwrap();
    assert!(log.contains(&format!("up on {port}")), "{log}");
    let (pid, child) = (place.number("run/talker/pid"), place.number("run/talker/child"));
    assert!(runs(pid) && runs(child));
    lease.end(&|_| {});
    gone(pid);
    gone(child);
    assert_eq!(place.told("talker"), ["starting", "ready"]);
}

#[test]
fn a_service_is_told_which_program_starts_it() {
    let place = Place::new();
    let started = |env: &str| {
        let text = format!(
            "\n  teller:\n    start: [sh, -c, 'echo \"by $SPECRUN.\"; exec sleep 60']\n{env}    ready: {{log: by}}\n"
        );
        let home = format!("run{}", env.len());
        let lease = place.lease(&place.environment(&text), &home).unwrap();
        lease.end(&|_| {});
        std::fs::read_to_string(place.path(&format!("{home}/teller.log"))).unwrap()
    };
    assert_eq!(started(""), "by /opt/specrun.\n");
    assert_eq!(started("    env: {SPECRUN: its own}\n"), "by its own.\n");
}

#[test]
fn a_service_that_is_dropped_ends_too() {
    let place = Place::new();
    let lease = place.lease(&place.environment(TALKER), "run").unwrap();
    let pid = place.number("run/talker/pid");
    drop(lease);
    gone(pid);
}

#[test]
fn services_start_after_what_they_need_and_stop_before_it() {
    let place = Place::new();
    let environment = place.environment(
        r#"
  second:
    needs: [first]
    start: [sh, -c, 'cat "$0/word"; sleep 600', "${{ services.first.dir }}"]
    ready: {log: '^hello$', within: 60s}
    stop_within: 5s
  first:
    start: [sh, -c, 'echo hello > "$0/word"; echo ready; sleep 600', "${{ services.first.dir }}"]
    ready: {log: ready, within: 60s}
    stop_within: 5s
"#,
    );
    let lease = place.lease(&environment, "run").unwrap();
    let stopped = Mutex::new(Vec::new());
    lease.end(&|p| stopped.lock().unwrap().push(p.service));
    assert_eq!(*stopped.lock().unwrap(), ["second", "first"]);
}

#[test]
fn an_http_service_is_asked_for_what_it_is() {
    let place = Place::new();
    let services = |matches: &str, within: &str| {
        format!(
            r#"
  web:
    ports: [port]
    start: [python3, -c, "import http.server,sys; sys.stderr = open('/dev/null', 'w'); http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), type('H', (http.server.BaseHTTPRequestHandler,), {{'do_GET': lambda s: (s.send_response(200), s.end_headers(), s.wfile.write(b'3.17'))}})).serve_forever()", "${{{{ services.web.port }}}}"]
    ready: {{http: "http://127.0.0.1:${{{{ services.web.port }}}}/version", matches: '{matches}', within: {within}}}
    stop_within: 5s
"#
        )
    };
    let lease = place
        .lease(&place.environment(&services(r"^3\.", "100s")), "run")
        .unwrap();
    lease.end(&|_| {});
    let (what, _) = error(place.lease(&place.environment(&services(r"^4\.", "3s")), "run"));
    assert!(what.contains("not ready within 3s"), "{what}");
}

#[test]
fn a_service_that_ends_or_stays_silent_is_told_with_its_last_words() {
    let place = Place::new();
    let ends = "
  bad:
    start: [sh, -c, 'echo no such database; exit 3']
    ready: {log: never, within: 60s}
    stop_within: 1s
";
    let (what, tail) = error(place.lease(&place.environment(ends), "run"));
    assert!(what.contains("bad: it ended with exit status: 3"), "{what}");
    assert_eq!(tail, ["no such database"]);
    let silent = "
  bad:
    start: [sh, -c, 'echo $$ > \"$0/pid\"; exec sleep 600', '${{ services.bad.dir }}']
    ready: {exec: ['false'], within: 2s}
    stop_within: 1s
";
    let (what, _) = error(place.lease(&place.environment(silent), "run2"));
    assert!(what.contains("not ready within 2s: `false` ended with"), "{what}");
    gone(place.number("run2/bad/pid"));
    assert_eq!(
        place.told("bad"),
        ["starting", "failed", "stopped", "starting", "failed", "stopped"]
    );
}

#[test]
fn a_service_whose_port_was_taken_meanwhile_gets_another() {
    let place = Place::new();
    let environment = place.environment(
        r#"
  unlucky:
    ports: [port]
    start:
      - sh
      - -c
      - 'echo "$1" >> "$0/ports"; [ "$(wc -l < "$0/ports")" = 2 ] || { echo "bind: address already in use"; exit 1; }; echo "up"; exec sleep 600'
      - "${{ services.unlucky.dir }}"
      - "${{ services.unlucky.port }}"
    ready: {log: '^up$', within: 60s}
"#,
    );
    let lease = place.lease(&environment, "run").unwrap();
    let ports = std::fs::read_to_string(place.path("run/unlucky/ports")).unwrap();
    assert_eq!(ports.lines().count(), 2, "{ports}");
    assert_eq!(
        ports.lines().last().unwrap(),
        lease.facts().ports[0].2.to_string(),
        "the facts name the port that it has"
    );
}
