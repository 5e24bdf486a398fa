//! A browser for tests: headless Chromium through chromedriver, with the few commands that are needed.
//!
//! The driver takes a free port and says which. It and its browser end with the [`Browser`].

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::{Value as Json, json};

/// How long one command may take; far more than any needs on a busy machine.
const CAP: Duration = Duration::from_mins(2);

pub struct Browser {
    driver: Child,
    port: u16,
    session: String,
    /// The profile; removed with the browser.
    profile: tempfile::TempDir,
}

impl Browser {
    /// Starts a browser; none, said aloud, when there is none on this machine and this is not CI.
    pub fn start() -> Option<Self> {
        let (Some(driver), Some(chromium)) = (
            find(&["chromedriver"]),
            find(&["chromium", "chromium-browser", "google-chrome"]),
        ) else {
            assert!(
                std::env::var_os("CI").is_none(),
                "CI has no chromium and chromedriver"
            );
            skipped();
            return None;
        };
        let mut child = Command::new(driver)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let out = child.stdout.take().unwrap();
        let profile = tempfile::tempdir().unwrap();
        let mut browser = Self {
            driver: child,
            port: 0,
            session: String::new(),
            profile,
        };
        let mut lines = BufReader::new(out).lines();
        let port = lines.by_ref().map_while(Result::ok).find_map(|l| {
            l.rsplit_once("successfully on port ")
                .map(|(_, p)| p.trim_end_matches('.').parse().unwrap())
        });
        browser.port = port.expect("the driver says its port");
        // Whatever else it says is read, so that it never waits for a reader.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let profile = format!("--user-data-dir={}", browser.profile.path().display());
        let answer = browser.ask("POST", "/session", &json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:loggingPrefs": {"browser": "ALL"},
            "timeouts": {"script": 120_000, "pageLoad": 120_000, "implicit": 0},
            "goog:chromeOptions": {"binary": chromium, "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage",
                "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--window-size=1360,900", profile,
            ]},
        }}}));
        answer["sessionId"]
            .as_str()
            .unwrap()
            .clone_into(&mut browser.session);
        Some(browser)
    }

    pub fn open(&self, url: &str) {
        self.command("POST", "url", &json!({"url": url}));
    }

    /// Runs a program in the page and gives what it returns.
    pub fn run(&self, script: &str) -> Json {
        self.command("POST", "execute/sync", &json!({"script": script, "args": []}))
    }

    /// Runs an expression until it is true.
    pub fn wait(&self, expression: &str) {
        let until = Instant::now() + CAP;
        while self.run(&format!("return Boolean({expression})")) != json!(true) {
            assert!(Instant::now() < until, "never true: {expression}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Clicks as a person would: scrolled into view, and only if nothing covers it.
    pub fn click(&self, selector: &str) {
        let found = self.command(
            "POST",
            "element",
            &json!({"using": "css selector", "value": selector}),
        );
        let id = found
            .as_object()
            .unwrap()
            .values()
            .next()
            .unwrap()
            .as_str()
            .unwrap();
        self.command("POST", &format!("element/{id}/click"), &json!({}));
    }

    /// The text of the first element, as it is seen.
    pub fn text(&self, selector: &str) -> String {
        let text = self.run(&format!(
            "return document.querySelector({}).innerText",
            json!(selector)
        ));
        text.as_str().unwrap().to_owned()
    }

    pub fn count(&self, selector: &str) -> u64 {
        self.run(&format!(
            "return document.querySelectorAll({}).length",
            json!(selector)
        ))
        .as_u64()
        .unwrap()
    }

    /// Errors the page's console has shown since the last call.
    pub fn errors(&self) -> Vec<String> {
        let log = self.command("POST", "se/log", &json!({"type": "browser"}));
        log.as_array()
            .unwrap()
            .iter()
            .filter(|e| e["level"] == "SEVERE")
            .map(|e| e["message"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// Keeps a picture of the page, when `SPECRUN_SCREENSHOTS` names a folder.
    pub fn picture(&self, name: &str) {
        let Some(dir) = std::env::var_os("SPECRUN_SCREENSHOTS") else {
            return;
        };
        let png = self.command("GET", "screenshot", &Json::Null);
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(png.as_str().unwrap())
            .unwrap();
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(Path::new(&dir).join(name), bytes).unwrap();
    }

    pub fn resize(&self, width: u32, height: u32) {
        self.command("POST", "window/rect", &json!({"width": width, "height": height}));
    }

    fn command(&self, method: &str, path: &str, body: &Json) -> Json {
        self.ask(method, &format!("/session/{}/{path}", self.session), body)
    }

    fn ask(&self, method: &str, path: &str, body: &Json) -> Json {
        let answer = self.try_ask(method, path, body).unwrap();
        assert!(
            answer["value"].get("error").is_none(),
            "{method} {path}: {}",
            answer["value"]
        );
        answer["value"].clone()
    }

    fn try_ask(&self, method: &str, path: &str, body: &Json) -> std::io::Result<Json> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(CAP))?;
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.port,
            body.len()
        )?;
        let mut reader = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            if line.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap();
            }
        }
        let mut answer = vec![0; length];
        reader.read_exact(&mut answer)?;
        Ok(serde_json::from_slice(&answer)?)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            // Ends the browser; its driver alone would leave it behind.
            let _ = self.try_ask("DELETE", &format!("/session/{}", self.session), &Json::Null);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

fn find(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .flat_map(|dir| names.iter().map(move |n| dir.join(n)))
        .find(|p| p.is_file())
}

#[expect(clippy::print_stderr, reason = "a test that did not look must say so")]
fn skipped() {
    eprintln!("SKIPPED: no chromium and chromedriver here (apt-get install chromium chromium-driver)");
}
