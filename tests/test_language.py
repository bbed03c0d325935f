"""Language models: the stream, the windows, the masks, the network with and without its cache, and what it writes."""

from __future__ import annotations

import json
import math
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from conftest import SAMPLES, run_command
from convergent.cli import main
from convergent.config import make_config
from convergent.contract import check_task
from convergent.data.source import open_source
from convergent.data.token_stream import (
    IGNORED,
    TokenWindows,
    cut,
    encoded,
    judged_windows,
    masked_tokens,
    open_stream,
    token_characters,
)
from convergent.data.tokens import END, MASK, bytes_tokenizer, train_bpe, train_character
from convergent.engine.step import Recipe
from convergent.examine import preflight
from convergent.models.generation import generate, likely
from convergent.models.language_model import RecurrentLanguageModel, TransformerLanguageModel
from convergent.models.transformer import KeyValueCache, Transformer
from convergent.task import find_task
from convergent.tasks._language import baseline, metrics
from convergent.trained import load
from convergent.types import DataSpec, Sampling, UserError
from test_resume import digest, kill_at

POSITIONS = ("rotary", "learned", "sinusoidal")


def stirred(model: torch.nn.Module) -> torch.nn.Module:
    """Return the network with weights that are not those of its start: there it is the identity."""
    torch.manual_seed(1)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.15)
    return model.eval()


def gpt(positions: Any = "rotary", context: int = 16) -> TransformerLanguageModel:
    network = Transformer(40, 32, 2, 4, causal=True, context=context, positions=positions)
    model = stirred(TransformerLanguageModel(network, 40, 32))
    assert isinstance(model, TransformerLanguageModel)
    return model


@pytest.fixture
def emma(tmp_path: Path) -> Path:
    """Return the first chapter or so of a novel."""
    path = tmp_path / "emma.txt"
    path.write_text((SAMPLES / "emma.txt").read_text(encoding="utf-8")[:8_000], encoding="utf-8")
    return path


@pytest.mark.parametrize("positions", POSITIONS)
def test_the_cache_changes_nothing(positions: str) -> None:
    model = gpt(positions)
    tokens_BT = torch.randint(40, (2, 12))
    cache = KeyValueCache()
    parts = [model(tokens_BT[:, a:b], cache) for a, b in ((0, 4), (4, 5), (5, 10), (10, 12))]
    assert torch.allclose(torch.cat(parts, 1), model(tokens_BT), atol=1e-4)


@pytest.mark.parametrize("positions", POSITIONS)
def test_a_causal_network_does_not_see_what_comes_later(positions: str) -> None:
    model = gpt(positions)
    tokens_BT = torch.randint(40, (1, 12))
    changed = tokens_BT.clone()
    changed[:, 8:] = (changed[:, 8:] + 1) % 40
    before, after = model(tokens_BT), model(changed)
    assert torch.allclose(before[:, :8], after[:, :8], atol=1e-5)
    assert not torch.allclose(before[:, 8:], after[:, 8:], atol=1e-3)


@pytest.mark.parametrize("positions", POSITIONS)
def test_padding_is_not_looked_at_and_places_are_seen(positions: Any) -> None:
    network = stirred(Transformer(40, 32, 2, 4, causal=False, context=16, positions=positions))
    tokens_BT = torch.randint(40, (1, 12))
    real_BT = torch.arange(12)[None] < 7
    assert torch.allclose(network(tokens_BT, real_BT)[:, :7], network(tokens_BT[:, :7]), atol=1e-4)
    assert not torch.allclose(network(tokens_BT), network(tokens_BT.flip(1)).flip(1), atol=1e-3)


def test_attention_maps_are_shares_of_what_lies_before() -> None:
    model = gpt()
    for map_BHTT in model.network.attention_maps(torch.randint(40, (2, 9))):
        assert map_BHTT.shape == (2, 4, 9, 9)
        assert torch.allclose(map_BHTT.sum(3), torch.ones(2, 4, 9), atol=1e-5)
        assert (map_BHTT.triu(1) == 0).all()


def test_a_network_begins_with_every_token_as_likely() -> None:
    model = TransformerLanguageModel(Transformer(40, 32, 2, 4, causal=True), 40, 32)
    assert (model(torch.randint(40, (1, 5))) == 0).all()


def test_windows_cover_the_text_and_epochs_shift_them() -> None:
    windows = TokenWindows(np.arange(103, dtype=np.uint16), 10, 200)
    assert len(windows) == 9  # whatever the shift, all windows lie within the text
    seen = set()
    for epoch in range(6):
        shifted = windows.of_epoch(0, epoch)
        batch = shifted.batch(np.arange(len(shifted)))
        assert torch.equal(batch.targets, batch.inputs[0] + 1)
        assert batch.targets.max() <= 102
        seen.add(int(batch.inputs[0][0, 0]))
    assert len(seen) > 2
    again = windows.of_epoch(0, 3).batch(np.array([4]))
    assert torch.equal(again.inputs[0], windows.of_epoch(0, 3).batch(np.arange(9)).inputs[0][4:5])


def test_every_token_of_a_held_out_part_is_judged_once() -> None:
    for length in (5, 11, 40, 41, 47):
        windows = judged_windows(np.arange(length, dtype=np.uint16), 10, 200, masked=False)
        targets = windows.batch(np.arange(len(windows))).targets
        assert sorted(targets[targets != IGNORED].tolist()) == list(range(1, length))


def test_masks_are_as_published_and_a_function_of_key_and_sample() -> None:
    tokens_BT = np.random.default_rng(0).integers(4, 60, (200, 100))
    hidden, targets = masked_tokens(tokens_BT, np.arange(200), 7, 60)
    chosen = targets != IGNORED
    assert (chosen.sum(1) == 15).all() and (targets[chosen] == tokens_BT[chosen]).all()
    assert (hidden[~chosen] == tokens_BT[~chosen]).all()
    assert abs((hidden[chosen] == MASK).mean() - 0.8) < 0.03
    assert abs((hidden[chosen] == tokens_BT[chosen]).mean() - 0.1) < 0.03
    alone, _ = masked_tokens(tokens_BT[5:6], np.array([5]), 7, 60)
    assert (alone == hidden[5:6]).all()
    assert (masked_tokens(tokens_BT, np.arange(200), 8, 60)[0] != hidden).any()


def test_the_end_is_held_out_and_given_splits_are_honoured() -> None:
    assert cut({"all": "abcdefghij"}, None, None) == {"train": "abcdefghi", "valid": "j"}
    assert cut({"all": "abcdefghij"}, 0.2, 0.1) == {"train": "abcdefg", "valid": "hi", "test": "j"}
    assert cut({"train": "abc", "valid": "d", "test": "e"}, 0.5, None) == {"train": "abc", "valid": "d", "test": "e"}
    assert cut({"train": "abcdefghij", "test": "z"}, None, None) == {"train": "abcdefghi", "valid": "j", "test": "z"}


def test_the_stream_is_read_once_and_files_are_kept_apart(tmp_path: Path) -> None:
    for name, text in (("a.txt", "one two\r\n"), ("b.txt", "three four five six seven")):
        (tmp_path / name).write_bytes(text.encode())
    files = {"train": [tmp_path / "a.txt", tmp_path / "b.txt"], "valid": [tmp_path / "a.txt"]}
    first = open_stream(files, "character", None, (None, None), 0.01, 1.0)
    again = open_stream(files, "character", None, (None, None), 0.01, 1.0)
    for stream in (first, again):
        ids = stream.parts["train"]
        place = int((ids == END).argmax())
        assert stream.tokenizer.decode(ids[:place].tolist()) == "one two\n"
        assert stream.tokenizer.decode(ids[place:].tolist()) == "three four five six seven"
        assert stream.tokenizer.decode(stream.parts["valid"].tolist()) == "one two\n"


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"caf\xe9 au lait\n" * 9, "UTF-8"), (b"some text\0and more", "NUL"), (b" \n ", "no text")],
)
def test_what_is_no_text_is_refused_with_the_reason(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "bad.txt"
    path.write_bytes(content)
    with pytest.raises(UserError, match=reason):
        find_task("language-modelling").load(open_source(str(path)), make_config())


def test_too_short_a_text_is_refused_and_a_long_line_is_read(tmp_path: Path) -> None:
    task = find_task("language-modelling")
    path = tmp_path / "short.txt"
    path.write_text("to be or not to be")
    with pytest.raises(UserError, match="too few"):
        task.load(open_source(str(path)), make_config())
    path.write_text("to be or not to be " * 150_000)  # one line of three million characters
    splits = task.load(open_source(str(path)), make_config(tokenizer="bytes"))
    assert sum(splits.spec.features["tokens"].values()) == 150_000 * 19


def test_tokens_know_how_many_characters_they_stand_for() -> None:
    text = "naïve café – 北京 🙂 plain words, plain words, plain words\n"
    for tokenizer in (train_character([text]), bytes_tokenizer(), train_bpe([text] * 5, 320)):
        ids = encoded(tokenizer, text)
        assert token_characters(tokenizer)[ids].sum() == len(text), tokenizer.kind


def test_metrics_agree_with_each_other() -> None:
    features = {"lengths": [0, 0, 0, 0, 1, 2], "unigram": [0, 0, 0, 0, 30, 10]}
    spec = DataSpec(
        task="t", source="s", modality="tokens", fingerprint="f", sizes={}, split="", target="", features=features
    )
    targets_BT = torch.tensor([[4, 5, IGNORED]])
    scores = metrics(torch.tensor([[2 * math.log(4), 2.0, 1.0]]), targets_BT, spec)
    assert scores["perplexity"] == pytest.approx(4) and scores["accuracy"] == 0.5
    assert scores["bits_per_character"] == pytest.approx(4 / 3)
    trivial = baseline(targets_BT, spec)
    assert trivial["loss"] == pytest.approx(-(math.log(31 / 46) + math.log(11 / 46)) / 2)


def test_sampling_keeps_to_its_limits() -> None:
    logits_V = torch.tensor([3.0, 2.0, 1.0, 0.0])
    assert likely(logits_V, Sampling(temperature=0)).tolist() == [1, 0, 0, 0]
    assert (likely(logits_V, Sampling(top_k=2)) > 0).tolist() == [True, True, False, False]
    assert (likely(logits_V, Sampling(temperature=1.0, top_p=0.7)) > 0).tolist() == [True, True, False, False]
    assert likely(logits_V, Sampling(top_p=1e-6)).tolist() == [1, 0, 0, 0]
    hot, cold = likely(logits_V, Sampling(temperature=5.0)), likely(logits_V, Sampling(temperature=0.2))
    assert hot[0] < cold[0]


@pytest.mark.parametrize("kind", ["gpt", "gru", "lstm"])
def test_writing_goes_on_beyond_the_context_and_is_repeatable(kind: str) -> None:
    model = gpt() if kind == "gpt" else stirred(RecurrentLanguageModel(kind, 40, 32, 2, dropout=0.0))
    assert isinstance(model, TransformerLanguageModel | RecurrentLanguageModel)
    sampling = Sampling(max_tokens=50)
    written = list(generate(model, [5, 6, 7], sampling, END, never=(0, 1, 3)))
    assert written == list(generate(model, [5, 6, 7], sampling, END, never=(0, 1, 3)))
    assert not {0, 1, END, 3} & set(written)


def test_greedy_writing_is_what_the_whole_network_would_write() -> None:
    model = gpt(context=64)
    written = list(generate(model, [5, 6], Sampling(max_tokens=20, temperature=0), end=-1))
    ids = [5, 6]
    for token in written:
        assert token == int(model(torch.tensor([ids]))[0, -1].argmax())
        ids.append(token)
    assert len(written) == 20


@pytest.mark.parametrize(("model", "width"), [("bert", 64), ("gru", 192), ("lstm", 192)])
def test_every_network_keeps_the_contract(emma: Path, model: str, width: int) -> None:
    options = {"model": model, "width": width, "depth": 1, "heads": 4, "context": 16}
    assert check_task(find_task("language-modelling"), str(emma), **options) == []


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"model": "gtp"}, "gpt"),
        ({"width": 48, "heads": 5}, "--heads"),
        ({"loss": "mse"}, "cross_entropy"),
        ({"augment": ["flip"]}, "images"),
        ({"tokenizer": "word"}, "between words"),
    ],
)
def test_what_has_no_meaning_is_refused(emma: Path, options: dict[str, Any], reason: str) -> None:
    task = find_task("language-modelling")
    with pytest.raises(UserError, match=reason):
        config = make_config(**options)
        task.defaults(task.load(open_source(str(emma)), config).spec, config)


def test_train_report_and_write(emma: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    words = ["--width", "32", "--depth", "1", "--context", "32", "--batch-size", "8", "--plan", "off"]
    words += ["--max-steps", "30", "--evaluate-every", "10", "--out", str(run)]
    assert main(["train", str(emma), *words]) == 0
    result = json.loads((run / "result.json").read_text())
    assert result["valid"]["loss"] < result["baseline"]["loss"]
    assert result["valid"]["perplexity"] == pytest.approx(math.exp(result["valid"]["loss"]))
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "Learning to write" in page and "Attention in layer" in page and "Sample predictions" in page
    capsys.readouterr()
    assert main(["predict", str(run), "It was", "--max-tokens", "15", "--seed", "3"]) == 0
    written = capsys.readouterr().out
    assert 0 < len(written.removesuffix("\n")) <= 15
    assert main(["predict", str(run), "It was", "--max-tokens", "15", "--seed", "3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["text"] == written.removesuffix("\n")
    assert main(["predict", str(run), "It was", "--top-p", "2"]) == 2
    assert "top_p" in capsys.readouterr().err
    assert load(run).evaluate(str(emma))["scores"]["loss"] > 0


def test_a_masked_network_fills_in(emma: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = str(tmp_path / "run")
    words = ["--width", "32", "--depth", "1", "--context", "32", "--batch-size", "8", "--plan", "off"]
    assert main(["train", str(emma), "--model", "bert", "--max-steps", "12", "--out", run, *words]) == 0
    capsys.readouterr()
    assert main(["predict", run, "It w[MASK]s"]) == 0
    filled = capsys.readouterr().out
    assert filled.startswith("It w") and "\n1: " in filled
    for refused in (["It was"], ["It w[MASK]s " * 20], ["It w[MASK]s", "--top-k", "3"]):
        assert main(["predict", run, *refused]) == 2


@pytest.mark.parametrize(("causal", "codes"), [(True, []), (False, ["setup/future-leak"])])
def test_the_doctor_sees_a_network_that_looks_ahead_before_it_trains(
    emma: Path, causal: bool, codes: list[str]
) -> None:
    task, config = find_task("language-modelling"), make_config(context=16, width=32, heads=4, depth=1)
    splits = task.load(open_source(str(emma)), config)
    config = task.defaults(splits.spec, config)
    size = len(splits.spec.features["unigram"])
    model = TransformerLanguageModel(Transformer(size, 32, 1, 4, causal=causal, context=16), size, 32)
    recipe = Recipe(task.step, task.loss(splits.spec, config), None, config, torch.device("cpu"))
    assert [one.code for one in preflight(splits, config, model, recipe)] == codes


@pytest.mark.parametrize("model", ["gpt", "bert"])
def test_killed_and_resumed_ends_with_the_same_weights(emma: Path, tmp_path: Path, model: str) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    options = ["--model", model, "--width", "32", "--depth", "1", "--context", "16", "--batch-size", "32"]
    options += ["--epochs", "4", "--plan", "off", "--checkpoint-every", "3", "--log-every", "1", "--dropout", "0.1"]
    assert run_command("train", emma, "--out", whole, *options).returncode == 0
    assert kill_at(killed, ["train", emma, "--out", killed, *options], 20) == -signal.SIGKILL
    resumed = run_command("resume", killed)
    assert resumed.returncode == 0, resumed.stderr
    assert digest(killed) == digest(whole)
