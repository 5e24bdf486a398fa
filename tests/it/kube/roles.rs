//! `plan --rbac`: the roles of specs whose objects stand in files.

use crate::support::specrun::Project;

/// A spec that makes what is in a file.
fn spec(id: &str, made: &str) -> String {
    format!(
        "specrun: 1\nid: {id}\ntitle: Objects from a file\ncategory: test\ntools: [kube]\n\
         inputs:\n  name: {{type: string, default: train}}\nsteps:\n  - id: made\n    {made}\nexpect:\n  - made.name == inputs.name\n"
    )
}

/// What `plan --rbac` writes for one spec.
fn roles(project: &Project, made: &str) -> String {
    project.file("specs/a.yaml", &spec("a", made));
    project.run(&["plan", "specs", "--rbac"]).code(0).stdout
}

#[test]
fn files_are_read_before_the_run() {
    let project = Project::new();
    project.file(
        "specs/objects.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: train, namespace: ml}\n---\n\
         apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: train, namespace: ml}\n",
    );
    let text = roles(&project, "kube.apply: {file: objects.yaml}");
    for part in [
        "kind: Role\nmetadata: {name: specrun, namespace: ml}",
        "{apiGroups: [\"\"], resources: [configmaps], verbs: [create, patch]}",
        "{apiGroups: [apps], resources: [deployments], verbs: [create, patch]}",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(!text.contains("known only at run time"), "{text}");

    project.file(
        "specs/job.yaml",
        "apiVersion: batch/v1\nkind: Job\nmetadata: {name: train, namespace: jobs}\n",
    );
    let text = roles(&project, "kube.job: {file: job.yaml}");
    assert!(
        text.contains("kind: Role\nmetadata: {name: specrun, namespace: jobs}"),
        "{text}"
    );
}

#[test]
fn templates_are_filled_in_as_far_as_their_values_are_known() {
    let project = Project::new();
    project.file(
        "specs/job.yaml.j2",
        "apiVersion: batch/v1\nkind: Job\nmetadata: {name: {{ name }}}\n",
    );
    let made = |name: &str| format!("kube.create: {{file: job.yaml.j2, values: {{name: \"{name}\"}}}}");
    let text = roles(&project, &made("${{ inputs.name }}"));
    assert!(
        text.contains("{apiGroups: [batch], resources: [jobs], verbs: [create]}"),
        "{text}"
    );
    assert!(!text.contains("known only at run time"), "{text}");

    let text = roles(&project, &made("${{ run.prefix }}"));
    assert!(
        text.contains("# a also makes or reads objects that are known only at run time"),
        "{text}"
    );
}

#[test]
fn a_file_that_is_not_there_is_said_and_none_outside_of_the_project_is_read() {
    let project = Project::new();
    let text = roles(&project, "kube.apply: {file: none.yaml}");
    assert!(text.contains("known only at run time"), "{text}");

    let outside = tempfile::tempdir().unwrap();
    let file = outside.path().join("objects.yaml");
    std::fs::write(
        &file,
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: train}\n",
    )
    .unwrap();
    let text = roles(&project, &format!("kube.apply: {{file: \"{}\"}}", file.display()));
    assert!(text.contains("known only at run time"), "{text}");
    assert!(!text.contains("configmaps"), "{text}");
}
