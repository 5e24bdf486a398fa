"""Unit tests of the pipeline's components: each is a function, and is called as one."""

import csv
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

FOLDER = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(FOLDER))

import fraud


@pytest.fixture
def artifact(tmp_path):
    """Makes what a component sees as an artifact: a path, and a dictionary for notes."""
    return lambda name: SimpleNamespace(path=str(tmp_path / name), metadata={})


def rows(path):
    with open(path, encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_ingest_keeps_every_row(artifact):
    made = artifact("dataset")
    assert fraud.ingest.python_func(str(FOLDER / "payments.csv"), made) == 60
    assert rows(made.path) == rows(FOLDER / "payments.csv")
    assert made.metadata == {"rows": 60, "columns": ["customer_id", "amount", "payments_7d", "label"]}


def test_ingest_refuses_a_file_without_rows(artifact, tmp_path):
    empty = tmp_path / "empty.csv"
    empty.write_text("customer_id,amount\n")
    with pytest.raises(ValueError, match="has no rows"):
        fraud.ingest.python_func(str(empty), artifact("dataset"))


def test_features_fill_a_missing_amount_with_the_median(artifact, tmp_path):
    given = tmp_path / "rows.csv"
    given.write_text("customer_id,amount,payments_7d,label\n1,10,0,0\n2,,1,1\n3,30,2,0\n4,20,,1\n")
    made = artifact("feats")
    assert fraud.features.python_func(SimpleNamespace(path=str(given)), made) == 4
    assert [row["amount_norm"] for row in rows(made.path)] == ["0.1", "0.2", "0.3", "0.2"]
    assert [row["payments_7d"] for row in rows(made.path)] == ["0", "1", "2", "0"]


@pytest.mark.parametrize("seed", [1, 7])
def test_training_depends_on_its_seed_only(artifact, seed):
    feats = artifact("feats")
    fraud.features.python_func(SimpleNamespace(path=str(FOLDER / "payments.csv")), feats)
    first, second, other = artifact("first"), artifact("second"), artifact("other")
    for made, number in ((first, seed), (second, seed), (other, seed + 1)):
        fraud.train.python_func(feats, number, made)
    assert Path(first.path).read_text() == Path(second.path).read_text()
    assert Path(first.path).read_text() != Path(other.path).read_text()
