"""Tables: what is read, what the columns are, what is refused, and that statistics come from train alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from convergent.config import Config, make_config
from convergent.data.columns import Column, find_date_format, infer_column
from convergent.data.source import open_source
from convergent.data.statistics import MISSING, UNKNOWN
from convergent.data.table_files import read_table_file, sniff_delimiter
from convergent.data.tables import encode, fit_features, load_tables, read_new
from convergent.task import recognise_task
from convergent.types import Splits, UserError

LETTER = Path(__file__).parent.parent / "samples" / "letter.csv"


def write(folder: Path, text: str, name: str = "table.csv") -> str:
    path = folder / name
    path.write_bytes(text.encode())
    return str(path)


def flowers(rows: int = 60, **changed: str) -> str:
    """Return a csv of flowers; `changed` replaces whole lines, as in `row_3="..."`."""
    lines = ["id,petal,colour,kind"]
    for row in range(rows):
        line = f"{row},{(row * 37) % 50 / 10},{'red' if row % 3 else 'blue'},{'rose' if row % 2 else 'iris'}"
        lines.append(changed.get(f"row_{row + 1}", line))
    return "\n".join(lines) + "\n"


def load(address: str, classes: bool = True, **options: Any) -> Splits:
    return load_tables(open_source(address), make_config(**options), "task", classes=classes)


def kinds(splits: Splits) -> dict[str, str]:
    return {column["name"]: column["kind"] for column in splits.spec.features["columns"]}


def test_letter_is_read_split_and_encoded() -> None:
    splits = load(str(LETTER), target="lettr")
    assert splits.spec.sizes == {"train": 16000, "valid": 2000, "test": 2000}
    assert splits.spec.classes is not None and len(splits.spec.classes) == 26
    batch = splits.train.batch(np.array([5, 0]))
    assert [part.shape for part in batch.inputs] == [(2, 16), (2, 0)]
    assert splits.train.name(0) == "row 1"
    again = load(str(LETTER), target="lettr")
    assert again.spec == splits.spec


def test_columns_are_understood(tmp_path: Path) -> None:
    header = "id,age,town,seen,fixed,comment,member,score\n"
    rows = [
        f"{row + 1},{row % 70},{['Ulm', 'Bonn', ''][row % 3]},2024-01-{row % 28 + 1:02d},1,"
        f"this is a long remark about number {row},{'true' if row % 2 else 'false'},{row * 1.5}"
        for row in range(80)
    ]
    splits = load(write(tmp_path, header + "\n".join(rows)), classes=False, target="score")
    assert kinds(splits) == {
        "id": "identifier",
        "age": "numeric",
        "town": "categorical",
        "seen": "date",
        "fixed": "constant",
        "comment": "text",
        "member": "categorical",
        "score": "target",
    }
    town = splits.spec.features["columns"][2]
    assert town["missing"] == 26
    assert splits.spec.target_mean == pytest.approx(float(splits.train.targets_N.mean()))  # type: ignore[attr-defined]


def test_options_override_what_was_inferred(tmp_path: Path) -> None:
    address = write(tmp_path, flowers())
    splits = load(address, numeric=["id"], categorical=["petal"], drop=["colour"])
    assert kinds(splits) == {"id": "numeric", "petal": "categorical", "colour": "dropped", "kind": "target"}
    for option in ("numeric", "categorical", "drop"):
        with pytest.raises(UserError, match="Did you mean `colour`"):
            load(address, True, **{option: ["color"]})


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_recognised(tmp_path: Path, delimiter: str) -> None:
    text = flowers().replace(",", delimiter)
    assert sniff_delimiter(text) == delimiter
    assert len(read_table_file(Path(write(tmp_path, text))).frame.columns) == 4


def test_all_formats_say_the_same(tmp_path: Path) -> None:
    frame = pl.read_csv(write(tmp_path, flowers()))
    frame.write_parquet(tmp_path / "table.parquet")
    frame.write_ndjson(tmp_path / "table.jsonl")
    expected = load(str(tmp_path / "table.csv"))
    for name in ("table.parquet", "table.jsonl"):
        splits = load(str(tmp_path / name))
        assert splits.spec.classes == expected.spec.classes
        for one, other in zip(splits.train.batch(np.arange(9)), expected.train.batch(np.arange(9)), strict=True):
            torch.testing.assert_close(one, other)


def test_ragged_rows_are_refused_with_row_and_reason(tmp_path: Path) -> None:
    address = write(tmp_path, flowers(300, row_4="3,1.1", row_9="8,1.0,red,rose,more"))
    splits = load(address)
    assert [refusal.where for refusal in splits.spec.refused] == ["table.csv row 4", "table.csv row 9"]
    assert splits.spec.refused[0].reason == "has 2 fields, the header has 4"
    assert sum(splits.spec.sizes.values()) == 298
    with pytest.raises(UserError, match="2 of 300 samples cannot be used"):
        load(address, max_bad=0.001)


def test_quoted_fields_and_blank_lines(tmp_path: Path) -> None:
    file = read_table_file(Path(write(tmp_path, 'a,b\n1,"x, ""y""\nz"\n\n2,\n')))
    assert file.frame.rows() == [("1", 'x, "y"\nz'), ("2", None)]
    assert file.rows.tolist() == [1, 2] and not file.refused


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"a,b\n", "no row"),
        (b"a,a\n1,2\n", "occurs 2 times"),
        (b"5.1,3.5,1.4,rose\n4.9,3.0,1.4,iris\n", "no header"),
        (b"a,b\n1,\xe9\n", "byte 0xe9 in line 2 is not UTF-8"),
        (b"a,b\n1,\x00\n", "not a text file"),
        (b"a,b\n1\n2\n", "no row that fits"),
    ],
)
def test_unreadable_csv_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "table.csv").write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_table_file(tmp_path / "table.csv")


def test_unreadable_parquet_and_json_lines(tmp_path: Path) -> None:
    (tmp_path / "table.parquet").write_bytes(b"PAR1 but no more")
    with pytest.raises(UserError, match="not a parquet file"):
        read_table_file(tmp_path / "table.parquet")
    (tmp_path / "table.jsonl").write_text('{"a": 1}\n[1]\n{"a": \n{"a": 2, "b": true}\n')
    file = read_table_file(tmp_path / "table.jsonl")
    assert file.rows.tolist() == [1, 4]
    assert [refusal.where for refusal in file.refused] == ["table.jsonl row 2", "table.jsonl row 3"]
    assert file.frame.rows() == [(1.0, None), (2.0, "true")]


def test_unknown_target_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Did you mean `colour`"):
        load(write(tmp_path, flowers()), target="color")


def test_missing_target_is_refused_and_counted(tmp_path: Path) -> None:
    address = write(tmp_path, flowers(300, row_7="6,1.1,red,NaN", row_8="7,1.1,red,"))
    splits = load(address, target="kind")
    assert [refusal.where for refusal in splits.spec.refused] == ["row 7", "row 8"]
    assert "missing" in splits.spec.refused[0].reason
    with pytest.raises(UserError, match="--max-bad"):
        load(address, target="kind", max_bad=0.0)
    numbers = load(write(tmp_path, flowers(300, row_7="6,inf,red,rose")), classes=False, target="petal")
    assert numbers.spec.refused[0].reason == "the target `inf` is not a finite number"


def test_one_class_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="same value in all 60 rows"):
        load(write(tmp_path, flowers().replace("iris", "rose")), target="kind")


def test_an_identifier_is_no_target(tmp_path: Path) -> None:
    address = write(tmp_path, flowers())
    with pytest.raises(UserError, match="looks like an identifier"):
        load(address, target="id")
    with pytest.raises(UserError, match="numbers the rows"):
        load(address, classes=False, target="id")
    with pytest.raises(UserError, match="too many for classes"):
        load(address, target="petal", max_classes=5)
    many = "x,name\n" + "".join(f"{row % 7},person {row}\n" for row in range(200))
    with pytest.raises(UserError, match="200 different values in 200 rows"):
        load(write(tmp_path, many), target="name")


def test_no_column_left_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no column is left to learn from"):
        load(write(tmp_path, flowers()), target="kind", drop=["petal", "colour"])


def test_infinite_values_count_as_missing(tmp_path: Path) -> None:
    splits = load(write(tmp_path, flowers(60, row_5="4,inf,red,iris", row_6="5,-inf,red,rose")))
    petal = splits.spec.features["columns"][1]
    assert petal["missing"] == 2 and "2 infinite values" in petal["note"]
    assert torch.isfinite(splits.train.batch(np.arange(len(splits.train))).inputs[0]).all()


def test_task_is_chosen_by_the_target(tmp_path: Path) -> None:
    source = open_source(write(tmp_path, flowers()))
    assert recognise_task(source, make_config())[0].name == "tabular-classification"
    assert recognise_task(source, make_config(target="petal"))[0].name == "tabular-regression"
    whole = open_source(write(tmp_path, "x,y\n" + "".join(f"{row * 0.5},{row % 3}\n" for row in range(60))))
    assert recognise_task(whole, make_config())[0].name == "tabular-classification"


def test_split_by_column_and_by_files(tmp_path: Path) -> None:
    words = ["train", "train", "train", "val", "test"]
    lines = flowers().splitlines()
    text = "\n".join([lines[0] + ",split"] + [f"{line},{words[row % 5]}" for row, line in enumerate(lines[1:])])
    splits = load(write(tmp_path, text), target="kind")
    assert splits.spec.sizes == {"train": 36, "valid": 12, "test": 12}
    assert splits.spec.split == "As the column `split` says."
    assert kinds(splits)["split"] == "split"
    (tmp_path / "files").mkdir()
    for name, rows in (("train", 80), ("test", 20)):
        write(tmp_path / "files", flowers(rows), f"{name}.csv")
    splits = load(str(tmp_path / "files"), target="kind")
    assert splits.spec.sizes == {"train": 72, "valid": 8, "test": 20}
    assert splits.test is not None and splits.test.name(0) == "row 1 of test.csv"
    write(tmp_path / "files", "id,petal,colour\n0,1.5,red\n", "test.csv")
    with pytest.raises(UserError, match="the test file lacks the column `kind`"):
        load(str(tmp_path / "files"), target="kind")


def test_groups_stay_together(tmp_path: Path) -> None:
    text = "patient,x,y\n" + "".join(f"p{row // 5},{row * 0.3},{row % 2}\n" for row in range(100))
    splits = load(write(tmp_path, text), target="y", group_column="patient")
    names = [
        {part.row(index)["patient"] for index in range(len(part))}  # type: ignore[union-attr,arg-type]
        for part in (splits.train, splits.valid, splits.test)
    ]
    assert not names[0] & names[1] and not names[0] & names[2] and kinds(splits)["patient"] == "group"


def test_a_class_that_train_lacks_is_refused(tmp_path: Path) -> None:
    text = "x,y,split\n" + "".join(
        f"{row * 0.7},{'ab'[row % 2]},{'train' if row < 90 else 'val'}\n" for row in range(99)
    )
    splits = load(write(tmp_path, text + "1.5,c,val\n"), target="y")
    assert splits.spec.classes == ["a", "b"]
    assert splits.spec.refused[0].reason == "the class `c` does not occur in the training rows"


def test_statistics_come_from_train_alone(tmp_path: Path) -> None:
    def with_valid(value: str, word: str) -> str:
        head = "x,c,y,split\n" + "".join(f"{row % 9},{'uv'[row % 2]},{'ab'[row % 2]},train\n" for row in range(40))
        return head + "".join(f"{value},{word},{'ab'[row % 2]},valid\n" for row in range(10))

    one = load(write(tmp_path, with_valid("1", "u")), target="y").spec.features
    other = load(write(tmp_path, with_valid("1e9", "new")), target="y").spec.features
    assert one["numeric"] == other["numeric"] and one["categorical"] == other["categorical"]


def test_new_data(tmp_path: Path) -> None:
    splits = load(write(tmp_path, flowers()), target="kind")
    new = write(tmp_path, "extra,colour,petal\n1,green,0.1\n2,,x\n", "new.csv")
    samples = read_new(open_source(new), splits.spec, Config())
    assert samples.targets_N.tolist() == [-1, -1]
    assert samples.categorical_NK.flatten().tolist() == [UNKNOWN, MISSING]
    assert any("extra" in note for note in samples.notes) and any("petal" in note for note in samples.notes)
    with pytest.raises(UserError, match="lacks the column `petal`"):
        read_new(open_source(write(tmp_path, "colour,petals\nred,1\n", "bad.csv")), splits.spec, Config())


def test_spec_survives_json(tmp_path: Path) -> None:
    spec = load(write(tmp_path, flowers()), target="kind").spec
    assert type(spec).model_validate(json.loads(spec.model_dump_json())) == spec


def test_dates_and_numbered_rows() -> None:
    assert find_date_format(pl.Series(["31.12.2024", None, "01.02.2025"])) == "%d.%m.%Y"
    rows = np.array([1, 2, 4, 5])
    assert infer_column(pl.Series("n", [0, 1, 3, 4]), rows, Config()).kind == "identifier"
    assert infer_column(pl.Series("n", [0, 1, 4, 4]), rows, Config()).kind == "numeric"


anything = st.none() | st.floats(width=64) | st.integers() | st.text(max_size=6)


@given(values=st.lists(anything, min_size=1, max_size=30), kind=st.sampled_from(["numeric", "categorical", "date"]))
def test_any_column_is_encoded_finitely(values: list[object], kind: str) -> None:
    texts = [None if value is None else str(value) for value in values]
    frame = pl.DataFrame({"c": pl.Series(texts, dtype=pl.String)})
    column = Column.model_validate({"name": "c", "kind": kind, "missing": 0, "example": "", "format": "%Y-%m-%d"})
    features = fit_features(frame[: max(1, len(texts) // 2)], (column,))
    numeric_BF, categorical_BK = encode(frame, features)
    assert numeric_BF.dtype == np.float32 and np.isfinite(numeric_BF).all() and (np.abs(numeric_BF) <= 3).all()
    assert categorical_BK.dtype == np.int64 and (categorical_BK >= 0).all()
    assert all((categorical_BK < known.num_indices).all() for known in features.categorical)


@given(values=st.lists(st.floats(), min_size=1, max_size=30))
def test_any_numbers_are_understood_and_encoded(values: list[float]) -> None:
    series = pl.Series("x", values, dtype=pl.Float64)
    column = infer_column(series, np.arange(len(values)), Config())
    assert column.missing == int((~np.isfinite(np.array(values))).sum()) or column.kind != "numeric"
    numeric_BF, _ = encode(series.to_frame(), fit_features(series.to_frame(), (column,)))
    assert np.isfinite(numeric_BF).all()


@given(known=st.sets(st.text("abc", min_size=1, max_size=3), min_size=1), new=st.text("xyz", min_size=1, max_size=3))
def test_unseen_categories_are_unknown(known: set[str], new: str) -> None:
    column = Column(name="c", kind="categorical", missing=0, example="")
    features = fit_features(pl.DataFrame({"c": sorted(known)}), (column,))
    _, categorical_BK = encode(pl.DataFrame({"c": [new, None, *sorted(known)]}), features)
    assert categorical_BK[:2, 0].tolist() == [UNKNOWN, MISSING]
    assert len(set(categorical_BK[:, 0].tolist())) == len(known) + 2
