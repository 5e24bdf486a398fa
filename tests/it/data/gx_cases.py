"""Asks Great Expectations what it says about small tables, and writes its answers to gx_cases.jsonl beside this file.

    python3 -m venv venv && venv/bin/pip install great_expectations==1.24.1 && venv/bin/python gx_cases.py

The test `data::great_expectations_agrees` runs the same expectations with `data.check` and compares.
"""

import json
import pathlib
import random

import great_expectations as gx
import great_expectations.expectations as gxe
import pandas as pd

VERSION = gx.__version__
random.seed(20261126)

TABLE = {
    "id": [1, 2, 3, 4, 5, 6, 7, 8],
    "again": [1, 1, 2, 3, 3, 3, 4, 5],
    "amount": [10.5, -2.0, None, 0.0, 99.25, 10.5, None, 7.0],
    "level": [3, 1, 4, 1, 5, 9, 2, 6],
    "text": ["alpha", "beta", None, "gamma", "delta", "alpha", "", "x1"],
    "code": ["A-1", "A-2", "B-3", "C-44", "A-5", "D-6", "E-7", "A-8"],
    "day": ["2026-01-01", "2026-01-02", "2026-01-03", "2026-02-30", "2026-01-05", None, "x", "2026-01-08"],
    "doc": ['{"a": 1}', "[1]", "{", None, "3", '"s"', "{}", '{"a": "x"}'],
    "void": [None, None, None, None, None, None, None, None],
    "noise": [round(random.gauss(0, 1), 6) for _ in range(8)],
}
BINS = {"bins": [-3, -1, 0, 1, 3], "weights": [0.2, 0.3, 0.3, 0.2]}
FLAT = {"values": ["A-1", "A-2", "B-3"], "weights": [0.5, 0.25, 0.25]}


def column(kind, name, **more):
    return (f"expect_column_{kind}", {"column": name, **more})


ASKED = [
    *[column("values_to_not_be_null", name) for name in ("id", "amount", "void")],
    column("values_to_not_be_null", "amount", mostly=0.75),
    column("values_to_not_be_null", "amount", mostly=0.76),
    column("values_to_be_null", "void"),
    column("values_to_be_null", "amount", mostly=0.25),
    *[column("values_to_be_unique", name) for name in ("id", "again", "amount", "text")],
    column("values_to_be_unique", "again", mostly=0.3),
    column("values_to_be_between", "amount", min_value=-2, max_value=99.25),
    column("values_to_be_between", "amount", min_value=-2, max_value=99.25, strict_min=True),
    column("values_to_be_between", "amount", min_value=-2, max_value=99.25, strict_max=True),
    column("values_to_be_between", "amount", min_value=0, mostly=0.8),
    column("values_to_be_between", "amount", max_value=50, mostly=0.9),
    column("values_to_be_between", "level", min_value=2, row_condition='id > 4', condition_parser="pandas"),
    column("values_to_be_between", "level", min_value=2, row_condition='text == "alpha"', condition_parser="pandas"),
    column("values_to_be_between", "level", min_value=5, max_value=1),
    column("values_to_be_between", "void", min_value=0),
    column("values_to_be_in_set", "again", value_set=[1, 2, 3, 4, 5]),
    column("values_to_be_in_set", "text", value_set=["alpha", "beta"]),
    column("values_to_be_in_set", "text", value_set=["alpha", "beta"], mostly=0.4),
    column("values_to_be_in_set", "text", value_set=[]),
    column("values_to_not_be_in_set", "text", value_set=["gamma"]),
    column("values_to_not_be_in_set", "amount", value_set=[10.5, None]),
    column("values_to_match_regex", "code", regex=r"^[A-E]-\d$"),
    column("values_to_match_regex", "code", regex="-"),
    column("values_to_match_regex", "code", regex=r"^(?!C)"),
    column("values_to_match_regex", "text", regex="a", mostly=0.6),
    column("values_to_not_match_regex", "code", regex="44"),
    column("values_to_not_match_regex", "text", regex="^$"),
    column("values_to_match_regex_list", "code", regex_list=["^A", "^B"]),
    column("values_to_match_regex_list", "code", regex_list=["^A", "1$"], match_on="all"),
    column("values_to_not_match_regex_list", "code", regex_list=["^X", "^Y"]),
    column("value_lengths_to_be_between", "code", min_value=3, max_value=3),
    column("value_lengths_to_be_between", "text", min_value=1),
    column("value_lengths_to_equal", "code", value=3, mostly=0.8),
    column("values_to_match_strftime_format", "day", strftime_format="%Y-%m-%d"),
    column("values_to_match_strftime_format", "day", strftime_format="%Y-%m-%d", mostly=0.7),
    column("values_to_be_json_parseable", "doc"),
    column("values_to_match_json_schema", "doc", json_schema={"type": "object"}, mostly=0.4),
    column("values_to_be_increasing", "id"),
    column("values_to_be_increasing", "again"),
    column("values_to_be_increasing", "again", strictly=True),
    column("values_to_be_decreasing", "level"),
    column("value_z_scores_to_be_less_than", "level", threshold=2, double_sided=True),
    column("value_z_scores_to_be_less_than", "level", threshold=1, double_sided=False),
    column("values_to_be_of_type", "id", type_="int64"),
    column("values_to_be_of_type", "noise", type_="float64"),
    column("values_to_be_of_type", "id", type_="float64"),
    column("values_to_be_in_type_list", "level", type_list=["int64", "float64"]),
    *[
        column(f"{figure}_to_be_between", name, **bounds)
        for figure in ("mean", "median", "min", "max", "sum", "stdev")
        for name in ("level", "amount")
        for bounds in ({"min_value": 3, "max_value": 5}, {"max_value": 1}, {"min_value": 0})
    ],
    column("max_to_be_between", "level", max_value=9, strict_max=True),
    column("mean_to_be_between", "void", min_value=0),
    column("unique_value_count_to_be_between", "again", min_value=5, max_value=5),
    column("unique_value_count_to_be_between", "text", max_value=4),
    column("proportion_of_unique_values_to_be_between", "amount", min_value=0.8, max_value=0.9),
    column("proportion_of_unique_values_to_be_between", "again", min_value=0.9),
    column("distinct_values_to_be_in_set", "again", value_set=[1, 2, 3]),
    column("distinct_values_to_be_in_set", "again", value_set=[1, 2, 3, 4, 5, 6]),
    column("distinct_values_to_contain_set", "text", value_set=["alpha", "x1"]),
    column("distinct_values_to_contain_set", "text", value_set=["omega"]),
    column("distinct_values_to_equal_set", "again", value_set=[5, 4, 3, 2, 1]),
    column("distinct_values_to_equal_set", "again", value_set=[1, 2, 3, 4]),
    column("most_common_value_to_be_in_set", "again", value_set=[3]),
    column("most_common_value_to_be_in_set", "amount", value_set=[7.0]),
    column("most_common_value_to_be_in_set", "level", value_set=[1, 2]),
    column(
        "quantile_values_to_be_between",
        "level",
        quantile_ranges={"quantiles": [0.1, 0.5, 0.9], "value_ranges": [[1, 1], [3, 4], [None, 9]]},
    ),
    column(
        "quantile_values_to_be_between",
        "noise",
        quantile_ranges={"quantiles": [0.25, 0.75], "value_ranges": [[-1, 0], [5, 6]]},
    ),
    column("kl_divergence_to_be_less_than", "noise", partition_object=BINS, threshold=0.5),
    column("kl_divergence_to_be_less_than", "noise", partition_object=BINS, threshold=0.01),
    column(
        "kl_divergence_to_be_less_than",
        "noise",
        partition_object=BINS,
        threshold=0.5,
        tail_weight_holdout=0.05,
        internal_weight_holdout=0.05,
    ),
    column("kl_divergence_to_be_less_than", "code", partition_object=FLAT, threshold=2, tail_weight_holdout=0.2),
    column("kl_divergence_to_be_less_than", "code", partition_object=FLAT, threshold=0.1, tail_weight_holdout=0.2),
    column("kl_divergence_to_be_less_than", "code", partition_object=FLAT, threshold=10),
    ("expect_column_pair_values_to_be_equal", {"column_A": "id", "column_B": "again"}),
    ("expect_column_pair_values_a_to_be_greater_than_b", {"column_A": "id", "column_B": "again"}),
    ("expect_column_pair_values_a_to_be_greater_than_b", {"column_A": "id", "column_B": "again", "or_equal": True}),
    ("expect_column_pair_values_to_be_in_set", {"column_A": "id", "column_B": "again", "value_pairs_set": [[1, 1], [2, 1]]}),
    ("expect_compound_columns_to_be_unique", {"column_list": ["again", "text"]}),
    ("expect_compound_columns_to_be_unique", {"column_list": ["again", "void"]}),
    ("expect_compound_columns_to_be_unique", {"column_list": ["again", "amount"], "ignore_row_if": "any_value_is_missing"}),
    ("expect_select_column_values_to_be_unique_within_record", {"column_list": ["id", "again"]}),
    ("expect_multicolumn_sum_to_equal", {"column_list": ["id", "again"], "sum_total": 5}),
    ("expect_table_row_count_to_equal", {"value": 8}),
    ("expect_table_row_count_to_equal", {"value": 9}),
    ("expect_table_row_count_to_be_between", {"min_value": 9}),
    ("expect_table_column_count_to_equal", {"value": 10}),
    ("expect_table_column_count_to_be_between", {"max_value": 9}),
    ("expect_table_columns_to_match_ordered_list", {"column_list": list(TABLE)}),
    ("expect_table_columns_to_match_ordered_list", {"column_list": list(TABLE)[::-1]}),
    ("expect_table_columns_to_match_set", {"column_set": list(TABLE)}),
    ("expect_table_columns_to_match_set", {"column_set": ["id", "text"], "exact_match": False}),
    ("expect_table_columns_to_match_set", {"column_set": ["id", "text"]}),
    column("to_exist", "id"),
    column("to_exist", "nowhere"),
]


def plain(value):
    """A value as JSON can hold it."""
    return json.loads(json.dumps(value, default=lambda v: v.item() if hasattr(v, "item") else str(v)))


def answer(batch, kind, kwargs):
    name = "".join(part.capitalize() for part in kind.split("_")).replace("ColumnKl", "ColumnKL")
    name = name.replace("PairValuesATo", "PairValuesATo").replace("ThanB", "ThanB")
    try:
        known = {n.lower(): n for n in dir(gxe)}
        expectation = getattr(gxe, known[name.lower()])(**kwargs)
        result = batch.validate(expectation, result_format="COMPLETE").to_json_dict()
    except Exception as e:
        return {"success": False, "error": f"{type(e).__name__}: {e}".splitlines()[0][:120]}
    said = {"success": result["success"]}
    info = result.get("exception_info") or {}
    raised = info.get("raised_exception") or any(
        isinstance(v, dict) and v.get("raised_exception") for v in info.values()
    )
    if raised:
        said["error"] = "raised"
    said = plain(said)
    for key in ("observed_value", "element_count", "missing_count", "unexpected_count"):
        if key in result["result"]:
            said[key] = plain(result["result"][key])
    if "unexpected_index_list" in result["result"] and result["result"]["unexpected_index_list"] is not None:
        said["unexpected_rows"] = plain(result["result"]["unexpected_index_list"])
    return said


def main():
    frame = pd.DataFrame(TABLE)
    for name in ("text", "code", "day", "doc"):
        frame[name] = frame[name].astype(object)
    context = gx.get_context(mode="ephemeral")
    source = context.data_sources.add_pandas("memory")
    batch = (
        source.add_dataframe_asset("table")
        .add_batch_definition_whole_dataframe("all")
        .get_batch(batch_parameters={"dataframe": frame})
    )
    out = pathlib.Path(__file__).with_suffix(".jsonl")
    with out.open("w") as file:
        file.write(json.dumps({"version": VERSION, "data": TABLE}) + "\n")
        for n, (kind, kwargs) in enumerate(ASKED):
            case = {"id": f"{n}", "expectation_type": kind, "kwargs": kwargs, "gx": answer(batch, kind, kwargs)}
            file.write(json.dumps(plain(case)) + "\n")
    print(f"{len(ASKED)} cases in {out}")


if __name__ == "__main__":
    main()
