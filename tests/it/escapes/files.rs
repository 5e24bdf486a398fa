//! Paths.

use serde_json::json;
use specrun::action::Class;
use specrun::tools::Grants;

use super::Prison;

#[tokio::test]
async fn no_path_leads_outside() {
    let mut prison = Prison::new().await;
    let outside = prison.stage.path("outside/secret.txt").display().to_string();
    let paths = [
        "../../outside/secret.txt".to_owned(),
        "./.././../outside/secret.txt".to_owned(),
        "../specs/../../outside/secret.txt".to_owned(),
        "inside.txt/../../../outside/secret.txt".to_owned(),
        "none/../../../outside/secret.txt".to_owned(),
        "dir/secret.txt".to_owned(),
        "dir/../outside/secret.txt".to_owned(),
        "link.txt".to_owned(),
        "link-to-link.txt".to_owned(),
        format!("root{outside}"),
        outside.clone(),
        format!("/{outside}"),
        format!("/proc/self/root{outside}"),
        format!("/proc/self/cwd/..{outside}"),
        "/proc/self/environ".to_owned(),
        "/proc/1/environ".to_owned(),
        "/etc/passwd".to_owned(),
        "root/etc/passwd".to_owned(),
        "/dev/zero".to_owned(),
        "/dev/stdin".to_owned(),
        "~/.ssh/id_rsa".to_owned(),
        "file:///etc/passwd".to_owned(),
        "..".to_owned(),
        "/".to_owned(),
        "link.txt\u{0}.txt".to_owned(),
    ];
    for path in &paths {
        for grants in [Grants::open(), prison.policy()] {
            let classes = [Class::NotGranted, Class::Missing, Class::BadParameter];
            prison
                .refused("file.read", json!({"path": path}), grants.clone(), &classes)
                .await;
            prison
                .refused("file.hash", json!({"path": path}), grants.clone(), &classes)
                .await;
            let params = json!({"url": "/echo", "method": "POST", "file": path});
            prison
                .refused("http.request", params, grants.clone(), &classes)
                .await;
            let params = json!({"url": "/echo", "method": "POST", "template": {"file": path}});
            prison
                .refused("http.request", params, grants.clone(), &classes)
                .await;
            prison
                .refused(
                    "http.request",
                    json!({"url": "/echo", "ca": path}),
                    grants,
                    &classes,
                )
                .await;
        }
    }
    for path in [&paths[0], &paths[5], &paths[7], &paths[10]] {
        prison
            .refused(
                "file.read",
                json!({"path": path}),
                Grants::open(),
                &[Class::NotGranted],
            )
            .await;
    }
    for template in [
        "{% include '../../outside/secret.txt' %}",
        "{% include 'link.txt' %}",
        "{% import 'dir/secret.txt' as x %}{{ x }}",
        "{% extends '/etc/passwd' %}",
        "{{ undefined_name }}",
        "{{ env('HOME') }}",
    ] {
        prison.stage.file("project/specs/template.txt", template);
        let params = json!({"url": "/echo", "method": "POST", "template": {"file": "template.txt"}});
        let policy = prison.policy();
        prison
            .refused("http.request", params, policy, &[Class::BadParameter])
            .await;
    }
    assert!(prison.attempts > 100);
}
