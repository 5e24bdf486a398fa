//! `exec.run`

use serde_json::{Value as Json, json};
use specrun::action::{Class, Failure};
use specrun::tools::Grants;
use specrun::value::Secret;

use crate::support::actions::{Stage, mistakes, only, reaches};

async fn exec(stage: &Stage, params: Json) -> Result<Json, Failure> {
    stage.run("exec.run", params, Grants::open()).await
}

#[tokio::test]
async fn exec_gives_outputs_and_exit_code() {
    let stage = Stage::new();
    stage.program(
        "project/specs/tool",
        "echo \"$1-$2-$A\"; echo oops >&2; pwd; cat; exit 3",
    );
    let got = exec(
        &stage,
        json!({"argv": ["./tool", 1, true], "env": {"A": 5}, "stdin": "in\n", "accept": [3]}),
    )
    .await
    .unwrap();
    let dir = stage.path("project/specs").display().to_string();
    assert_eq!(got["stdout"], format!("1-true-5\n{dir}\nin\n"));
    assert_eq!(
        (&got["stderr"], &got["exit_code"], &got["cut"]),
        (&json!("oops\n"), &json!(3), &json!(false))
    );
    assert_eq!(got.get("json"), None);
    assert!(
        exec(&stage, json!({"argv": ["./tool", 1, 2], "accept": ["any"]}))
            .await
            .is_ok()
    );
    let failure = exec(&stage, json!({"argv": ["./tool", 1, 2]})).await.unwrap_err();
    assert_eq!((failure.class, failure.exit_code), (Class::ExitCode, Some(3)));
    assert!(
        failure.details.contains(&"stderr: oops".to_owned()),
        "{failure:?}"
    );
}

#[tokio::test]
async fn exec_reads_json_from_the_whole_output_or_its_last_line() {
    let stage = Stage::new();
    for (script, wanted) in [
        ("printf '{\"a\":\\n 1}\\n'", json!({"a": 1})),
        ("echo working; echo '[1, 2]'; echo", json!([1, 2])),
        ("echo 5", Json::Null),
        ("echo '{\"a\": NaN}'", Json::Null),
        ("echo '{\"a\": 1, \"a\": 2}'", Json::Null),
        ("echo '{}'; echo done", Json::Null),
    ] {
        stage.program("project/specs/tool", script);
        let got = exec(&stage, json!({"argv": ["./tool"]})).await.unwrap();
        assert_eq!(got.get("json").unwrap_or(&Json::Null), &wanted, "{script}");
    }
}

#[tokio::test]
async fn exec_takes_programs_and_variables_from_the_environment() {
    let mut stage = Stage::new();
    stage.endpoint("exec", String::new());
    let settings = &mut stage.endpoints.0.get_mut("exec").unwrap().settings;
    settings.insert("programs".to_owned(), json!({"train": ["printf", "%s|%s|"]}));
    settings.insert("env".to_owned(), json!({"A": "environment", "B": "environment"}));
    let got = exec(&stage, json!({"argv": ["train", "x", "y"]})).await.unwrap();
    assert_eq!(got["stdout"], "x|y|");
    let got = exec(
        &stage,
        json!({"argv": ["sh", "-c", "echo $A $B"], "env": {"A": "step"}}),
    )
    .await
    .unwrap();
    assert_eq!(got["stdout"], "step environment\n");
    let settings = &mut stage.endpoints.0.get_mut("exec").unwrap().settings;
    let show = json!({"run": ["sh", "-c", "echo $A $B $0"], "env": {"B": "program"}, "needs": ["db"]});
    settings.insert(
        "programs".to_owned(),
        json!({"train": ["printf", "%s|%s|"], "show": show}),
    );
    let got = exec(&stage, json!({"argv": ["show", "x"]})).await.unwrap();
    assert_eq!(got["stdout"], "environment program x\n");
    let got = exec(&stage, json!({"argv": ["show", "x"], "env": {"B": "step"}}))
        .await
        .unwrap();
    assert_eq!(got["stdout"], "environment step x\n");
    // A name that stands for words is judged by what it stands for.
    let run = |rules: &[(&str, String)]| stage.run("exec.run", json!({"argv": ["train", "x"]}), only(rules));
    assert_eq!(
        run(&[("exec", "train".to_owned())]).await.unwrap_err().class,
        Class::NotGranted
    );
    assert!(run(&[("exec", "printf".to_owned())]).await.is_ok());
    let settings = &mut stage.endpoints.0.get_mut("exec").unwrap().settings;
    settings.insert("programs".to_owned(), json!({"train": "printf"}));
    let failure = exec(&stage, json!({"argv": ["train"]})).await.unwrap_err();
    assert!(failure.message.contains("endpoints.exec.programs"), "{failure}");
}

#[tokio::test]
async fn exec_masks_secrets_and_keeps_long_outputs() {
    let mut stage = Stage::new();
    stage.secrets.push(Secret::new("t", "hunter22"));
    stage.program(
        "project/specs/tool",
        "echo $T; i=0; while [ $i -lt 300 ]; do echo line $i $T; i=$((i+1)); done",
    );
    let got = exec(
        &stage,
        json!({"argv": ["./tool"], "secret_env": {"T": "hunter22"}, "keep_output": "1KiB"}),
    )
    .await
    .unwrap();
    assert!(
        got["stdout"].as_str().unwrap().starts_with("***\nline 0 ***\n"),
        "{got}"
    );
    assert_eq!(got["cut"], true);
    let whole = std::fs::read_to_string(got["stdout_file"].as_str().unwrap()).unwrap();
    assert!(whole.ends_with("line 299 ***\n") && !whole.contains("hunter22"));
}

#[tokio::test]
async fn exec_says_what_is_missing_and_what_is_too_slow() {
    let stage = Stage::new();
    assert_eq!(
        exec(&stage, json!({"argv": ["surely-not-there"]}))
            .await
            .unwrap_err()
            .class,
        Class::Missing
    );
    assert_eq!(
        exec(&stage, json!({"argv": ["true"], "dir": "none"}))
            .await
            .unwrap_err()
            .class,
        Class::Missing
    );
    assert_eq!(
        exec(&stage, json!({"argv": ["sleep", 1000], "timeout": "100ms"}))
            .await
            .unwrap_err()
            .class,
        Class::Timeout
    );
    assert_eq!(
        exec(&stage, json!({"argv": ["yes"], "max_output": "1KiB"}))
            .await
            .unwrap_err()
            .class,
        Class::TooLarge
    );
}

#[test]
fn exec_mistakes_and_reach() {
    for (params, message) in [
        (json!({}), ": `argv` is missing"),
        (json!({"argv": []}), "/argv: a list of 0 has fewer than 1 items"),
        (json!({"argv": "ls -l"}), "/argv: expected a list, got `ls -l`"),
        (
            json!({"argv": [["ls"]]}),
            "/argv/0: expected text or a number or true or false, got a list of 1",
        ),
        (
            json!({"argv": ["ls"], "env": {"A": 1}, "secret_env": {"A": "x"}}),
            "/secret_env: the variable `A` is given twice, in `env` and in `secret_env`",
        ),
        (
            json!({"argv": ["ls"], "accept": [256]}),
            "/accept/0: the number `256` is more than 255",
        ),
        (
            json!({"argv": ["ls"], "accept": ["all"]}),
            "/accept/0: expected a whole number or `any`, got `all`",
        ),
    ] {
        assert_eq!(mistakes("exec.run", &params), [message], "{params}");
    }
    assert_eq!(
        reaches("exec.run", &json!({"argv": ["cosign", "verify", "--key", "k"]})),
        ["exec cosign verify"]
    );
    assert_eq!(
        reaches("exec.run", &json!({"argv": ["a", "${{ x }}", "b"]})),
        ["exec a"]
    );
    assert_eq!(reaches("exec.run", &json!({"argv": "${{ words }}"})), ["exec ?"]);
}
