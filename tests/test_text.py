"""Texts with classes: what is recognised, read, refused and cut, and a run from data to a prediction."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from conftest import SAMPLES, run_command
from convergent.config import make_config
from convergent.data.source import open_source
from convergent.data.text import TextFeatures, TextSamples
from convergent.doctor.findings import finding
from convergent.examine import exchangeable
from convergent.models.bag import BagClassifier
from convergent.models.rnn import RecurrentClassifier
from convergent.models.text_transformer import TransformerClassifier
from convergent.models.transformer import Transformer
from convergent.run import train
from convergent.task import recognise_task
from convergent.tasks.text_classification import TASK
from convergent.types import UserError
from test_resume import digest, kill_at

GOOD, BAD = "what a good film this is {}", "how bad a film can be {}"


def lines(count: int = 40) -> list[tuple[str, str]]:
    return [((GOOD if i % 2 else BAD).format(i), "10"[i % 2]) for i in range(count)]


def write(path: Path, rows: list[tuple[str, str]], header: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(header + "".join(f"{text}\t{label}\n" for text, label in rows), encoding="utf-8")
    return path


def loaded(path: Path | str, **options: object):
    config = make_config(**options)
    task, _ = recognise_task(open_source(str(path)), config)
    assert task.name == "text-classification"
    return task.load(open_source(str(path)), config)


def refused(path: Path | str, *words: str, **options: object) -> None:
    with pytest.raises(UserError) as error:
        loaded(path, **options)
    assert "\n" not in str(error.value)
    for word in words:
        assert word in str(error.value), str(error.value)


def test_a_table_without_header_and_with_files_by_split(tmp_path):
    for name in ("train", "dev", "test"):
        write(tmp_path / f"{name}.tsv", lines())
    splits = loaded(tmp_path)
    assert splits.spec.sizes == {"train": 40, "valid": 40, "test": 40}
    assert splits.spec.classes == ["0", "1"]
    assert splits.train.text(0) == BAD.format(0)
    assert splits.train.name(0) == "row 1 of train.tsv"


@pytest.mark.parametrize("suffix", ["tsv", "csv", "jsonl", "parquet"])
def test_every_kind_of_table(tmp_path, suffix):
    path = tmp_path / f"films.{suffix}"
    frame = pl.DataFrame({"verdict": [label for _, label in lines()], "review": [text for text, _ in lines()]})
    match suffix:
        case "parquet":
            frame.write_parquet(path)
        case "jsonl":
            frame.write_ndjson(path)
        case _:
            frame.write_csv(path, separator="\t" if suffix == "tsv" else ",")
    spec = loaded(path).spec
    assert (spec.target, TextFeatures(**spec.features).column) == ("verdict", "review")


def test_folders_of_files_one_a_class(tmp_path):
    for i, (text, label) in enumerate(lines()):
        path = tmp_path / "films" / ("good" if label == "1" else "bad") / f"{i}.txt"
        write(path, [(text, "")])
    splits = loaded(tmp_path / "films", max_bad=0.1)
    assert splits.spec.classes == ["bad", "good"]
    assert splits.train.name(0).startswith("bad/")
    refused(tmp_path / "films", "--group-column author", group_column="author")
    (tmp_path / "films" / "good" / "99.txt").write_bytes(b"caf\xe9 " * 9)
    (tmp_path / "films" / "good" / "98.txt").write_bytes(b"a\0b")
    (tmp_path / "films" / "good" / "97.txt").write_bytes(b"")
    reasons = {one.where: one.reason for one in loaded(tmp_path / "films", max_bad=0.1).spec.refused}
    assert "UTF-8" in reasons["good/99.txt"]
    assert "NUL" in reasons["good/98.txt"]
    assert "no text" in reasons["good/97.txt"]
    refused(tmp_path / "films", "3 of 43", "good/97.txt")


def test_empty_texts_are_refused_by_name(tmp_path):
    path = write(tmp_path / "a.tsv", [*lines(400), ("", "1"), ("   ", "0")], header="text\tlabel\n")
    spec = loaded(path).spec
    assert [one.where for one in spec.refused] == ["row 401", "row 402"]
    assert "empty" in spec.refused[0].reason


def test_long_texts_are_cut_and_counted(tmp_path):
    path = write(tmp_path / "a.tsv", [*lines(), ("word " * 1000, "1")], header="text\tlabel\n")
    splits = loaded(path, context=64, valid_fraction=0.2, test_fraction=0.2)
    assert sum(TextFeatures(**splits.spec.features).cut.values()) == 1
    assert max(int(part.lengths.max()) for part in (splits.train, splits.valid, splits.test)) == 64
    assert any("longer than 64" in note for part in (splits.train, splits.valid, splits.test) for note in part.notes)


def test_a_line_of_a_hundred_megabytes(tmp_path):
    path = tmp_path / "a.tsv"
    write(path, lines(), header="text\tlabel\n")
    with path.open("a", encoding="utf-8") as file:
        file.write("x" * 100_000_000 + "\t1\n")
    splits = loaded(path, context=128)
    assert sum(splits.spec.sizes.values()) == 41


@pytest.mark.parametrize(("content", "word"), [("caf\xe9 ".encode("latin-1") * 9, "UTF-8"), (b"a\0b\t1\n", "zero")])
def test_a_table_that_is_no_text_is_refused(tmp_path, content, word):
    (tmp_path / "a.tsv").write_bytes(b"text\tlabel\n" + content)
    refused(tmp_path / "a.tsv", word)


@pytest.mark.parametrize(
    ("delimiter", "classes"), [("\t", ("ham", "spam")), ("\t", ("0", "1")), (",", ("ham", "spam"))]
)
def test_rows_that_a_quote_has_swallowed_are_refused(tmp_path, delimiter, classes):
    rows = [(f"a message to number {i} and on", classes[i % 2]) for i in range(60)]
    lost = "".join(f"\n{classes[i % 2]}{delimiter}another message {i}" for i in range(5))
    rows[7] = (f'"so she said it all{lost}"', classes[0])
    rows[8] = ('"two lines\nof one message"', classes[1])
    text = "".join(f"{one}{delimiter}{other}\n" for one, other in rows)
    (tmp_path / "a.csv").write_text(f"text{delimiter}label\n{text}", encoding="utf-8")
    spec = loaded(tmp_path / "a.csv", max_bad=0.05).spec
    assert [(one.where, one.reason) for one in spec.refused] == [
        ("row 8", "`text` holds 5 lines that are rows themselves: a quote is not closed")
    ]
    assert sum(spec.sizes.values()) == 59


def test_four_thousand_classes(tmp_path):
    rows = [(GOOD.format(i), f"class {i % 4000}") for i in range(12_000)]
    splits = loaded(write(tmp_path / "a.tsv", rows, header="text\tlabel\n"))
    assert len(splits.spec.classes) == 4000
    logits = torch.randn(len(splits.valid), 4000)
    targets = splits.valid.batch(np.arange(len(splits.valid))).targets
    assert TASK.metrics(logits, targets, splits.spec).keys() == TASK.baseline(targets, splits.spec).keys()
    assert len(TASK.decode(logits[:2], splits.spec)[0]["probabilities"]) == 5
    assert TASK.draw(splits.valid, logits, targets, splits.spec)
    refused(tmp_path / "a.tsv", "4000 different values", max_classes=1000)


def test_equal_texts_stay_together():
    splits = loaded(SAMPLES / "sms.csv")
    texts = [{part.text(i) for i in range(len(part))} for part in (splits.train, splits.valid, splits.test)]
    assert not texts[0] & texts[1] and not texts[0] & texts[2]


@pytest.mark.parametrize("kind", ["character", "bpe", "bytes"])
def test_other_tokens(few_messages, kind):
    splits = loaded(few_messages, tokenizer=kind, vocabulary_size=400)
    assert splits.spec.features["tokenizer"]["kind"] == kind
    assert TASK.defaults(splits.spec, make_config()).tokenizer == kind


def test_options_that_mean_nothing_are_refused(few_messages):
    spec = loaded(few_messages).spec
    wrong = [{"model": "grew"}, {"augment": ["flip"]}, {"heads": 2}, {"model": "transformer", "heads": 3}]
    wrong += [{"drop": ["label"]}, {"activation": "relu"}, {"model": "bag", "depth": 2}, {"image_size": 32}]
    for options in wrong:
        with pytest.raises(UserError):
            TASK.defaults(spec, make_config(**options))
    refused(few_messages, "no such column", text_column="txet")


def networks() -> dict[str, torch.nn.Module]:
    common = {"dropout": 0.1, "words": 0.1}
    transformer = Transformer(50, 16, 1, 2, causal=False, context=32)
    cells = {cell: RecurrentClassifier(cell, 50, 3, width=8, depth=2, **common) for cell in ("rnn", "lstm", "gru")}
    encoder = TransformerClassifier(transformer, 3, 16, **common)
    return {**cells, "bag": BagClassifier(50, 3, width=8, **common), "transformer": encoder}


@pytest.mark.parametrize("name", networks().keys())
def test_padding_changes_nothing(name):
    network = networks()[name].eval()
    tokens = torch.randint(4, 50, (3, 7))
    padded = torch.nn.functional.pad(tokens, (0, 9))
    assert torch.allclose(network(tokens), network(padded), atol=1e-5)


def test_from_data_to_the_prediction_of_a_text(few_messages, tmp_path):
    out = tmp_path / "run"
    said: list[str] = []
    run = train(str(few_messages), out=str(out), max_steps=30, width=16, ensemble=2, plan="off", say=said.append)
    assert any(line.startswith("batches by length") for line in said)
    (answer,) = run.predict("WINNER!! You have won a prize, call 09061701461 now")
    assert answer["class"] in ("ham", "spam") and answer["input"].startswith("WINNER")
    assert len(run.predict([str(few_messages)])) == 300
    assert run.evaluate(str(few_messages))["samples"] == 300
    with pytest.raises(UserError, match="no such file"):
        run.predict("nothing/here.csv")
    panels = {one["title"]: one for one in json.loads((out / "panels.json").read_text(encoding="utf-8"))}
    assert panels["Words that mattered"]["data"]["items"][0]["words"]
    assert "Padding" in panels
    assert "<mark" in (out / "report.html").read_text(encoding="utf-8")
    assert 0 <= run.result["padding_share"] < 0.2


def test_new_texts_come_from_files_too(few_messages, tmp_path):
    splits = loaded(few_messages)
    (tmp_path / "one.txt").write_text("Call now!\n", encoding="utf-8")
    (tmp_path / "two.txt").write_text("  \u00a0 .\n", encoding="utf-8")
    samples = TASK.read(open_source(str(tmp_path)), splits.spec, make_config())
    assert isinstance(samples, TextSamples)
    assert len(samples) == 2 and samples.batch(np.arange(2)).targets.tolist() == [-1, -1]
    with pytest.raises(UserError, match="column `text`"):
        (tmp_path / "b.csv").write_text("a,b\n1,2\n", encoding="utf-8")
        TASK.read(open_source(str(tmp_path / "b.csv")), splits.spec, make_config())


def test_killed_and_resumed_ends_with_the_same_weights(few_messages, tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    options = ["--width", "8", "--ensemble", "2", "--epochs", "2", "--plan", "off", "--checkpoint-every", "3"]
    options += ["--log-every", "1", "--token-budget", "300"]
    assert run_command("train", few_messages, "--out", whole, *options).returncode == 0
    assert kill_at(killed, ["train", few_messages, "--out", killed, *options], 12) == -signal.SIGKILL
    resumed = run_command("resume", killed)
    assert resumed.returncode == 0, resumed.stderr
    assert digest(killed) == digest(whole)


def test_losses_of_batches_by_length_are_not_compared_from_step_to_step(few_messages: Path, few_images: Path) -> None:
    found = [finding(code, "critical", "loss", "") for code in ("training/loss-spike", "training/divergence")]
    splits = []
    for path in (few_messages, few_images):
        task, _ = recognise_task(open_source(str(path)), make_config())
        splits.append(task.load(open_source(str(path)), make_config()))
    texts, images = splits
    assert [one.code for one in exchangeable(found, texts.train)] == ["training/divergence"]
    assert exchangeable(found, images.train) == found
