"""Does one thing with Kubeflow Pipelines' SDK for specrun: compiles a pipeline, or runs one on the SDK's local runner.

The request is JSON on standard input, the answer a JSON file that the request names; what steps print goes to
standard output. A refusal is an answer too: {"refused": {"kind": ..., "message": ...}}.
"""

import hashlib
import json
import logging
import os
import re
import sys
import threading
import time
import traceback


class Refused(Exception):
    def __init__(self, kind, message, **more):
        super().__init__(message)
        self.answer = {"kind": kind, "message": message, **more}


def main():
    request = json.load(sys.stdin)
    try:
        answer = {"done": work(request)}
    except Refused as refused:
        answer = {"refused": refused.answer}
    whole = request["answer"] + ".part"
    with open(whole, "w") as f:
        json.dump(answer, f)
    os.replace(whole, request["answer"])


def work(request):
    # Whether it is Python at all can be said without kfp.
    code = parsed(request["file"])
    try:
        import kfp  # noqa: F401
        from kfp import compiler, dsl, local  # noqa: F401
    except ImportError as e:
        raise Refused("no_kfp", f"{sys.executable} cannot import kfp: {e}") from e
    module = load(request["file"], code)
    found = find(module, request["what"], request.get("name"))
    if request["do"] == "compile":
        compiled(found, request["ir"])
        return {"name": found.name, "sdk": kfp.__version__}
    return run(found, request)


# --- the file ---

def parsed(path):
    with open(path, "rb") as f:
        source = f.read()
    try:
        return compile(source, path, "exec")
    except SyntaxError as e:
        raise Refused("syntax", e.msg, line=e.lineno, column=e.offset, text=(e.text or "").rstrip("\n")) from e
    except ValueError as e:
        raise Refused("syntax", str(e)) from e


def load(path, code):
    import importlib.util

    # The file may import its neighbours; the folder of this program is none of them.
    sys.path[0] = os.path.dirname(path)
    name = os.path.splitext(os.path.basename(path))[0]
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        exec(code, module.__dict__)
    except ModuleNotFoundError as e:
        raise Refused("import", f"no module named `{e.name}`", **place(e, path)) from e
    except (Exception, SystemExit) as e:
        raise Refused("load", said(e), **place(e, path)) from e
    return module


def place(error, path):
    """The deepest line of the file that the error went through."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == path]
    return {"line": frames[-1].lineno, "text": frames[-1].line or ""} if frames else {}


def said(error):
    return f"{type(error).__name__}: {error}"


def find(module, what, name):
    from kfp.dsl.base_component import BaseComponent
    from kfp.dsl.graph_component import GraphComponent

    known = {}
    for variable, value in vars(module).items():
        if isinstance(value, BaseComponent) and isinstance(value, GraphComponent) == (what == "pipeline"):
            known[variable] = value
    if name is None:
        if len(known) == 1:
            return next(iter(known.values()))
        raise Refused("which", f"the file has {len(known)} pipelines", known=sorted(known))
    for variable, value in known.items():
        if name in (variable, value.name):
            return value
    raise Refused("unknown", f"the file has no {what} `{name}`", known=sorted(known))


def compiled(found, path):
    from kfp import compiler

    try:
        compiler.Compiler().compile(found, path)
    except Exception as e:
        raise Refused("compile", said(e)) from e


# --- running ---

def run(found, request):
    from kfp import local
    from kfp.local import pipeline_orchestrator

    arguments, artifacts = request["arguments"], request.get("artifacts", {})
    judge(found, arguments, artifacts)
    pipeline = found if request["what"] == "pipeline" else wrapped(found, arguments, artifacts)
    if request["what"] == "component":
        arguments = {}
    compiled(pipeline, request["ir"])
    local.init(
        runner=local.SubprocessRunner(use_venv=request["install"]),
        pipeline_root=request["root"],
        workspace_root=request["workspace"],
        raise_on_error=False,
    )
    record = Record(request["root"], request["install"])
    error = None
    try:
        outputs = pipeline_orchestrator.run_local_pipeline(pipeline_spec=pipeline.pipeline_spec, arguments=arguments)
    except Refused:
        raise
    except Exception as e:
        traceback.print_exc(file=sys.stdout)
        outputs, error = {}, said(e)
    if record.refused:
        raise record.refused
    return {
        "name": found.name,
        "steps": record.steps,
        "outputs": {k: v for k, v in outputs.items() if not hasattr(v, "uri")},
        "warnings": record.warnings,
        "undecided": record.undecided,
        "error": error,
    }


KINDS = {
    "NUMBER_INTEGER": ("a whole number", lambda v: isinstance(v, int) and not isinstance(v, bool)),
    "NUMBER_DOUBLE": ("a number", lambda v: isinstance(v, (int, float)) and not isinstance(v, bool)),
    "STRING": ("a text", lambda v: isinstance(v, str)),
    "BOOLEAN": ("true or false", lambda v: isinstance(v, bool)),
    "LIST": ("a list", lambda v: isinstance(v, list)),
    "STRUCT": ("an object", lambda v: isinstance(v, dict)),
}


def judge(found, arguments, artifacts):
    """What kfp would find late, or never: a wrong name, a wrong type, an argument that is missing."""
    from kfp.pipeline_spec import pipeline_spec_pb2

    inputs = found.component_spec.inputs or {}
    named = found.pipeline_spec.root.input_definitions.parameters
    for name in [*arguments, *artifacts]:
        if name not in inputs:
            raise Refused("argument", f"`{found.name}` takes no `{name}`", known=sorted(inputs))
    for name, given in [*((a, "arguments") for a in arguments), *((a, "artifacts") for a in artifacts)]:
        right = "arguments" if name in named else "artifacts"
        if given != right:
            raise Refused("argument", f"`{name}` of `{found.name}` is given as one of `{given}`; it belongs to `{right}`")
    missing = [n for n in found.required_inputs if n not in arguments and n not in artifacts]
    if missing:
        raise Refused("argument", f"`{found.name}` needs " + ", ".join(f"`{n}`" for n in missing))
    for name, value in arguments.items():
        kind = pipeline_spec_pb2.ParameterType.ParameterTypeEnum.Name(named[name].parameter_type)
        wanted, fits = KINDS.get(kind, ("", lambda v: True))
        if value is not None and not fits(value):
            raise Refused("argument", f"`{name}` of `{found.name}` is {wanted}, not {json.dumps(value)}")


def wrapped(component, arguments, artifacts):
    """A pipeline of this one component: the local runner refuses a component with input artifacts that stands alone."""
    from kfp import dsl
    from kfp.dsl.types import type_utils

    def pipeline():
        given = dict(arguments)
        for name, artifact in artifacts.items():
            kind = component.component_spec.inputs[name].type.split("@")[0]
            given[name] = dsl.importer(
                artifact_uri=artifact["path"],
                artifact_class=type_utils.ARTIFACT_CLASSES_MAPPING.get(kind.split(".")[-1].lower(), dsl.Artifact),
                reimport=False,
                metadata=artifact.get("metadata") or None,
            ).output
        component(**given)

    try:
        return dsl.pipeline(name=component.name)(pipeline)
    except Exception as e:
        raise Refused("compile", said(e)) from e


class Record:
    """Sees every step as the local runner does it."""

    def __init__(self, root, install):
        from kfp.local import task_dispatcher
        from kfp.local.orchestrator import task_executor

        self.root, self.install = root, install
        self.steps, self.warnings, self.undecided, self.refused = [], [], [], None
        self.lock, self.files = threading.Lock(), {}
        self.execute, task_executor.execute_single_task = task_executor.execute_single_task, self.step
        self.start, task_dispatcher.run_single_task_implementation = (
            task_dispatcher.run_single_task_implementation, self.task)
        logging.getLogger().addFilter(self.line)
        logging.captureWarnings(True)

    def line(self, record):
        if record.levelno == logging.WARNING:
            text = re.sub("\x1b\\[[0-9;]*m", "", record.getMessage())
            with self.lock:
                self.warnings.append(text)
                # The runner takes a condition that it cannot evaluate for false, and calls that a success.
                if text.startswith(("Condition evaluation failed", "Could not resolve")):
                    self.undecided.append(text)
        return True

    def task(self, **given):
        """Leaves out the `pip install` before a step, whose packages the interpreter has."""
        container = given["executor_spec"].container
        if not self.install and len(container.command) > 3 and "pip install" in container.command[2] \
                and container.command[2].strip().endswith('"$0" "$@"'):
            del container.command[:3]
        return self.start(**given)

    def step(self, **given):
        from kfp.local import executor_input_utils, status

        component = given["components"][given["task_spec"].component_ref.name]
        importer = given["executors"][component.executor_label].WhichOneof("spec") == "importer"
        folder = executor_input_utils.construct_local_task_root(
            pipeline_root=given["pipeline_root"],
            pipeline_resource_name=given["pipeline_resource_name"],
            task_resource_name=executor_input_utils.get_local_task_resource_name(given["task_spec"].component_ref.name),
        )
        step = {"name": given["task_name"], "importer": importer, "state": "FAILED", "parameters": {}, "artifacts": {}}
        with self.lock:
            self.steps.append(step)
        started = time.monotonic()
        try:
            outputs, ended = self.execute(**given)
        except Exception as e:
            step["error"] = said(e)
            raise
        finally:
            step["seconds"] = time.monotonic() - started
        if ended == status.Status.SUCCESS:
            step["state"] = "SUCCEEDED"
            self.read(step, outputs, folder)
        return outputs, ended

    def read(self, step, outputs, folder):
        from kfp import dsl

        written = {}
        try:
            # The SDK gives whole numbers back as 60.0; the file has what the step wrote.
            with open(os.path.join(folder, "executor_output.json")) as f:
                written = json.load(f)
        except FileNotFoundError:
            pass
        except ValueError as e:
            self.refused = Refused("output", f"executor_output.json of the step `{step['name']}` is not JSON: {e}")
        values, artifacts = written.get("parameterValues") or {}, written.get("artifacts") or {}
        for name, value in outputs.items():
            if isinstance(value, list) and value and isinstance(value[0], dsl.Artifact):
                value = value[0]
            if isinstance(value, dsl.Artifact):
                said = ((artifacts.get(name) or {}).get("artifacts") or [{}])[0].get("metadata")
                step["artifacts"][name] = self.artifact(step, value, value.metadata if said is None else said)
            else:
                step["parameters"][name] = values.get(name, value)

    def artifact(self, step, artifact, metadata):
        path = artifact.path or artifact.uri
        facts = {"uri": artifact.uri, "type": artifact.schema_title, "metadata": dict(metadata or {}), "path": path}
        if os.path.exists(path):
            facts.update(contents(path))
            if not step["importer"]:
                with self.lock:
                    other, self.files[path] = self.files.get(path), step["name"]
                if other:
                    self.refused = Refused(
                        "collision", f"the steps `{other}` and `{step['name']}` wrote the same file {path}")
        return facts


def contents(path):
    """SHA-256 and size; of a folder, of the list of its files."""
    if not os.path.isdir(path):
        return {"sha256": sha256(path), "size": os.path.getsize(path)}
    files = sorted(
        os.path.relpath(os.path.join(top, name), path) for top, _, names in os.walk(path) for name in names)
    listing = "".join(f"{sha256(os.path.join(path, name))}  {name}\n" for name in files)
    size = sum(os.path.getsize(os.path.join(path, name)) for name in files)
    return {"sha256": hashlib.sha256(listing.encode()).hexdigest(), "size": size}


def sha256(path):
    whole = hashlib.sha256()
    with open(path, "rb") as f:
        for piece in iter(lambda: f.read(1 << 20), b""):
            whole.update(piece)
    return whole.hexdigest()


if __name__ == "__main__":
    main()
