"""Pipelines that kfp's local runner gets wrong, or nearly."""

from typing import NamedTuple

from kfp import dsl
from kfp.dsl import Dataset, Output

PLAIN = {"base_image": "python:3.11", "packages_to_install": [], "install_kfp_package": False}


@dsl.component(base_image="python:3.11")
def double(x: int) -> int:
    return 2 * x


@dsl.component(**PLAIN)
def named_score() -> NamedTuple("Scores", [("score", float)]):
    return (0.9,)


@dsl.component(**PLAIN)
def score() -> float:
    return 0.9


@dsl.component(**PLAIN)
def keep(text: str, out: Output[Dataset]):
    with open(out.path, "w") as file:
        file.write(text)


@dsl.component(**PLAIN)
def fail() -> int:
    raise ValueError("no such luck")


@dsl.pipeline(name="named-condition")
def named_condition():
    scored = named_score()
    with dsl.If(scored.outputs["score"] > 0.5):
        keep(text="kept")


@dsl.pipeline(name="unnamed-condition")
def unnamed_condition():
    scored = score()
    with dsl.If(scored.output > 0.5):
        keep(text="kept")


@dsl.pipeline(name="failing")
def failing():
    failed = fail()
    double(x=failed.output)


@dsl.pipeline(name="loops")
def loops():
    with dsl.ParallelFor([1, 2]) as item:
        double(x=item)
