"""Translation: what is taken for pairs, what is refused, the search, BLEU, and a run from data to a translation."""

from __future__ import annotations

import itertools
import json
import math
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from sacrebleu.metrics.bleu import BLEU
from torch import Tensor, nn

from conftest import run_command
from convergent.config import make_config
from convergent.data.lengths import lengths_of
from convergent.data.loader import TrainingBatches
from convergent.data.pairs import PairSamples, reference_of, source_of
from convergent.data.source import open_source
from convergent.data.tokens import END, tokenizer_from_json, train_bpe
from convergent.examine import preflight
from convergent.losses import smoothed_cross_entropy
from convergent.metrics import bootstrap_interval
from convergent.models.beam import translate
from convergent.models.dropout import ByteDropout
from convergent.models.recurrent_translator import RecurrentTranslator
from convergent.models.transformer import attended
from convergent.models.translator import TransformerTranslator
from convergent.prepare import prepare
from convergent.run import train
from convergent.task import recognise_task
from convergent.tasks._bleu import bleu_and_chrf, bleu_of_counts, counts
from convergent.tasks._translating import NEVER, Translating
from convergent.tasks.translation import TASK
from convergent.trained import Run
from convergent.types import Splits, UserError
from test_resume import digest, kill_at

ENGLISH = ["the man", "the dog", "a small child", "my old friend", "nobody", "the tall woman"]
SPANISH = ["el hombre", "el perro", "un niño pequeño", "mi viejo amigo", "nadie", "la mujer alta"]
DOES, HACE = ["sees", "hears", "looks for"], ["ve", "oye", "busca"]


def pairs(count: int = 108) -> list[tuple[str, str]]:
    """Return sentences that say all that there is to say, in two languages."""
    all_of = itertools.product(range(6), range(3), range(6))
    some = [(f"{ENGLISH[a]} {DOES[b]} {ENGLISH[c]}.", f"{SPANISH[a]} {HACE[b]} a {SPANISH[c]}.") for a, b, c in all_of]
    return [some[(7 * place) % len(some)] for place in range(count)]


def write(path: Path, rows: list[tuple[str, str]], header: str = "") -> Path:
    path.write_text(header + "".join(f"{one}\t{other}\n" for one, other in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def few_pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("pairs") / "pairs.tsv", pairs(), "english\tspanish\n")


def loaded(path: Path | str, **options: object) -> Splits:
    config = make_config(**options)
    task, _ = recognise_task(open_source(str(path)), config)
    assert task.name == "translation"
    return task.load(open_source(str(path)), config)


def refused(path: Path | str, *words: str, **options: object) -> None:
    with pytest.raises(UserError) as error:
        loaded(path, **options)
    assert "\n" not in str(error.value)
    for word in words:
        assert word in str(error.value), str(error.value)


def test_files_by_split_without_header(tmp_path: Path) -> None:
    for name in ("train", "val", "test"):
        write(tmp_path / f"{name}.tsv", pairs(40))
    splits = loaded(tmp_path)
    assert splits.spec.sizes == {"train": 40, "valid": 40, "test": 40}
    assert isinstance(splits.train, PairSamples)
    assert (splits.train.text(0), splits.train.translation(0)) == pairs(1)[0]


@pytest.mark.parametrize("suffix", ["tsv", "csv", "jsonl", "parquet"])
def test_every_kind_of_table_and_the_direction(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"pairs.{suffix}"
    frame = pl.DataFrame({"es": [other for _, other in pairs()], "en": [one for one, _ in pairs()]})
    match suffix:
        case "parquet":
            frame.write_parquet(path)
        case "jsonl":
            frame.write_ndjson(path)
        case _:
            frame.write_csv(path, separator="\t" if suffix == "tsv" else ",")
    for options, source, target in (
        ({}, "es", "en"),
        ({"target": "es"}, "en", "es"),
        ({"source_column": "en"}, "en", "es"),
    ):
        spec = loaded(path, **options).spec
        assert (spec.features["source"], spec.target) == (source, target)
    refused(path, "no such column", "`en`", source_column="eng")
    refused(path, "two sides", source_column="en", target="en")


def test_two_columns_of_sentences_with_any_names(tmp_path: Path) -> None:
    assert loaded(write(tmp_path / "a.tsv", pairs(), "before\tafter\n")).spec.target == "after"
    rows = [(f"{one}\t{other}", "yes") for one, other in pairs()]
    path = write(tmp_path / "b.tsv", rows, "title\tbody\tlabel\n")
    assert recognise_task(open_source(str(path)), make_config())[0].name == "text-classification"
    path = write(tmp_path / "c.tsv", [(one, "yes no"[place % 2]) for place, (one, _) in enumerate(pairs())], "a\tb\n")
    assert recognise_task(open_source(str(path)), make_config())[0].name == "text-classification"
    refused_task = {"task": "translation"}
    refused(path, "--source-column and --target", **refused_task)


def test_an_empty_side_is_refused_by_name(tmp_path: Path) -> None:
    rows = [*pairs(), ("a dog sleeps here", ""), ("   ", "un perro duerme"), *pairs(90)]
    spec = loaded(write(tmp_path / "a.tsv", rows, "source\ttarget\n"), max_bad=0.02).spec
    assert {one.where for one in spec.refused} == {"row 109", "row 110"}
    assert all("is empty" in one.reason for one in spec.refused)
    assert sum(spec.sizes.values()) == 198
    refused(tmp_path / "a.tsv", "2 of 200", "row 1", "--max-bad", max_bad=0.001)


def test_lines_that_are_no_pairs_are_refused_with_counts(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tsv", pairs(), "source\ttarget\n")
    with path.open("a", encoding="utf-8") as file:
        file.write("a sentence without translation\none\ttwo\tthree\n")
    spec = loaded(path, max_bad=0.05).spec
    assert [one.reason[:12] for one in spec.refused] == ["has 1 fields", "has 3 fields"]
    refused(path, "2 of 110", "has 1 fields")


def test_over_long_pairs_are_refused_in_training_and_cut_elsewhere(tmp_path: Path) -> None:
    for name in ("train", "valid"):
        write(tmp_path / f"{name}.tsv", [*pairs(), ("dog " * 90, "perro " * 90), ("cat " * 1_000_000, "gato")])
    splits = loaded(tmp_path, context=32, max_bad=0.05)
    assert len(splits.train) == 108 and "--context is 32" in splits.spec.refused[0].reason
    assert splits.spec.features["cut"] == {"train": 2, "valid": 2}
    assert isinstance(splits.valid, PairSamples) and splits.valid.lengths.max() == 32
    assert len(reference_of(splits.valid.batch(np.array([108])).targets[0])) >= 90  # a reference is not cut
    assert any("longer than 32" in note for note in splits.valid.notes)
    refused(tmp_path, "2 of 220", context=32, max_bad=0.001)


def test_equal_sentences_stay_together(tmp_path: Path) -> None:
    rows = [(one, f"{other} {place}") for place in range(3) for one, other in pairs()]
    splits = loaded(write(tmp_path / "a.tsv", rows, "source\ttarget\n"))
    said = [{part.text(i) for i in range(len(part))} for part in (splits.train, splits.valid, splits.test)]  # type: ignore[union-attr,arg-type]
    assert not said[0] & said[1] and not said[0] & said[2] and not said[1] & said[2]


def test_a_batch_holds_both_sides_and_the_targets_tell_them_apart(few_pairs: Path) -> None:
    splits = loaded(few_pairs, vocabulary_size=300)
    tokenizer = tokenizer_from_json(splits.spec.features["tokenizer"])
    batch = splits.train.batch(np.array([3, 5]))
    assert isinstance(splits.train, PairSamples)
    source_BS, decoder_BT = batch.inputs
    assert source_BS.shape[1] == splits.train.lengths[[3, 5], 0].max()
    assert decoder_BT[:, 0].tolist() == [END, END]
    assert torch.equal(batch.targets[0, : decoder_BT.shape[1] - 1].clamp(min=0), decoder_BT[0, 1:])
    assert tokenizer.decode(source_of(batch.targets[1])) == splits.train.text(5)
    assert tokenizer.decode(reference_of(batch.targets[1])) == splits.train.translation(5)


def test_batches_are_alike_in_both_lengths() -> None:
    rng = np.random.default_rng(0)
    sides = [[" ".join(rng.choice(list("abcdefgh"), n)) for n in rng.integers(1, 40, 400)] for _ in range(2)]
    samples = PairSamples(sides[0], sides[1], sides[0], train_bpe(["a b c d e f g h"], 280), 128)
    batches = TrainingBatches(samples, 16, 0, torch.device("cpu"), token_budget=700)
    lengths_N = lengths_of(samples)
    padding = batches.padding()
    assert padding is not None and lengths_N is not None and padding[0] < 0.6 * padding[1]
    for place in range(batches.steps_per_epoch):
        chosen = batches.indices(0, place, place + 1)
        assert lengths_N[chosen].max(0).sum() * len(chosen) <= 700


def networks() -> dict[str, TransformerTranslator | RecurrentTranslator]:
    torch.manual_seed(0)
    made: dict[str, TransformerTranslator | RecurrentTranslator] = {
        "transformer": TransformerTranslator(40, 16, 2, 2, context=32, activation="relu", dropout=0.1),
        "gru": RecurrentTranslator(40, 16, 1, dropout=0.1),
    }
    for network in made.values():
        for parameter in network.parameters():
            nn.init.normal_(parameter, std=0.4)
    return {name: network.eval() for name, network in made.items()}


@pytest.mark.parametrize("name", networks())
def test_padding_changes_nothing(name: str) -> None:
    network = networks()[name]
    source, tokens = torch.randint(4, 40, (3, 7)), torch.randint(4, 40, (3, 5))
    padded = network(nn.functional.pad(source, (0, 4)), nn.functional.pad(tokens, (0, 3)))[:, :5]
    assert torch.allclose(network(source, tokens), padded, atol=1e-4)


@torch.no_grad()
def greedy(network: nn.Module, source_1S: Tensor, most: int) -> list[int]:
    ids = [END]
    for _ in range(most):
        logits_V = network(source_1S, torch.tensor([ids]))[0, -1]
        logits_V[list(NEVER)] = -math.inf
        ids.append(int(logits_V.argmax()))
        if ids[-1] == END:
            return ids[1:-1]
    return ids[1:]


@pytest.mark.parametrize("name", networks())
def test_with_the_cache_it_writes_what_it_writes_without(name: str) -> None:
    network = networks()[name]
    source_BS = torch.randint(4, 40, (4, 6))
    source_BS[1, 3:] = source_BS[2, 5:] = 0
    found = translate(network, source_BS, 1, 32, END, NEVER)
    for row, ids in zip(source_BS, found, strict=True):
        real = row[row != 0][None]
        assert ids == greedy(network, real, min(32, 2 * real.shape[1] + 10))


@pytest.mark.parametrize("name", networks())
def test_a_sentence_is_translated_alike_in_any_batch(name: str) -> None:
    network = networks()[name]
    source_BS = torch.randint(4, 40, (5, 6))
    together = translate(network, source_BS, 3, 32, END, NEVER)
    assert together == [translate(network, row[None], 3, 32, END, NEVER)[0] for row in source_BS]


class Chain:
    """A translator that knows probabilities of pairs of tokens only."""

    def __init__(self, logits_VV: Tensor) -> None:
        self.logits_VV = logits_VV

    def start(self, source_BS: Tensor, beam: int, room: int) -> Any:
        return self

    def select(self, kept: Tensor, rows: Tensor) -> None:
        """Nothing is kept."""

    def next_logits(self, tokens_R: Tensor, cache: Any) -> Tensor:
        return self.logits_VV[tokens_R].clone()


@pytest.mark.parametrize("seed", range(5))
def test_a_wide_beam_finds_the_likeliest_translation_by_length(seed: int) -> None:
    logits_VV = torch.randn(8, 8, generator=torch.Generator().manual_seed(seed)) * 2
    logits_VV[:, list(NEVER)] = -math.inf
    log_VV = logits_VV.log_softmax(1)
    best = max(
        ((float(sum(log_VV[a, b] for a, b in itertools.pairwise((END, *ids, END)))) / (len(ids) + 1), ids)
         for length in range(5) for ids in itertools.product(range(4, 8), repeat=length)),
    )  # fmt: skip
    (found,) = translate(Chain(logits_VV), torch.full((1, 2), 5), 64, 5, END, NEVER)
    assert tuple(found) == best[1]


def test_bleu_from_counts_is_sacrebleus() -> None:
    rng = np.random.default_rng(0)
    words = np.array(["the", "a", "man", "dog", "sees", "hears", ".", ",", "tall", "small"])
    for length in (2, 5, 9):
        references = [" ".join(rng.choice(words, length)) for _ in range(12)]
        answers = [" ".join(word for word in one.split() if rng.random() < 0.7) for one in references]
        for some in (12, 3):
            rows = torch.tensor([counts(a, r) for a, r in zip(answers[:some], references[:some], strict=True)])
            theirs = BLEU(force=True).corpus_score(answers[:some], [references[:some]]).score
            assert float(bleu_of_counts(rows.sum(0, keepdim=True))) == pytest.approx(theirs, abs=1e-6)
    assert bleu_and_chrf([], []) == (0.0, 0.0)


def test_the_smoothed_loss_is_torchs_and_so_is_its_gradient() -> None:
    for smoothing in (0.0, 0.1):
        ours = torch.randn(6, 11, requires_grad=True)
        theirs = ours.detach().clone().requires_grad_()
        targets = torch.tensor([1, -100, 3, 10, 0, -1])
        loss = smoothed_cross_entropy(ours, targets, smoothing)
        other = nn.functional.cross_entropy(theirs, targets.masked_fill(targets < 0, -100), label_smoothing=smoothing)
        (3 * loss).backward()
        (3 * other).backward()
        assert torch.allclose(loss, other) and ours.grad is not None and theirs.grad is not None
        assert torch.allclose(ours.grad, theirs.grad, atol=1e-6)


def test_attention_to_short_texts_in_bfloat16_is_torchs() -> None:
    query, key, value = (torch.randn(2, 2, 5, 8, dtype=torch.bfloat16, requires_grad=True) for _ in range(3))
    mask = torch.tensor([True, True, True, False, False])[None, None, None]
    for options in ({"mask": mask}, {"mask": None}, {"mask": None, "causal": True}):
        with torch.no_grad():
            torchs = attended(query, key, value, **options)  # type: ignore[arg-type]
        assert torch.allclose(attended(query, key, value, **options), torchs, atol=0.03)  # type: ignore[arg-type]


def test_dropout_by_bytes_keeps_its_share_and_is_a_function_of_the_seed() -> None:
    layer = ByteDropout(0.3)
    torch.manual_seed(3)
    dropped = layer(torch.ones(300, 333))
    assert float((dropped == 0).float().mean()) == pytest.approx(0.3, abs=0.01)
    assert float(dropped.mean()) == pytest.approx(1.0, abs=0.02)
    torch.manual_seed(3)
    assert torch.equal(layer(torch.ones(300, 333)), dropped)
    assert torch.equal(layer.eval()(dropped), dropped)


def test_options_that_mean_nothing_are_refused(few_pairs: Path) -> None:
    spec = loaded(few_pairs, vocabulary_size=300).spec
    wrong: list[dict[str, Any]] = [{"model": "grew"}, {"augment": ["flip"]}, {"heads": 3}, {"model": "gru", "heads": 2}]
    wrong += [{"model": "gru", "width": 33}, {"model": "pretrained"}, {"loss": "mse"}, {"positions": "learned"}]
    for options in wrong:
        with pytest.raises(UserError):
            TASK.defaults(spec, make_config(**options))
    refused(few_pairs, "bpe or bytes", tokenizer="word")


def test_the_doctor_sees_a_decoder_that_looks_ahead(few_pairs: Path) -> None:
    splits = loaded(few_pairs, vocabulary_size=300)
    config = TASK.defaults(splits.spec, make_config(width=32, depth=1, learning_rate=1e-3))
    for leaks in (False, True):
        prepared = prepare(Path(), TASK, splits, config, None)  # type: ignore[arg-type]
        assert isinstance(prepared.model, Translating)
        if leaks:
            prepared.model.network.blocks[0].block.attention.causal = False  # type: ignore[union-attr,index]
        codes = {one.code for one in preflight(splits, config, prepared.model, prepared.recipe)}
        assert ("setup/future-leak" in codes) is leaks, codes


@pytest.mark.parametrize("model", ["transformer", "gru"])
def test_from_data_to_translations(few_pairs: Path, tmp_path: Path, model: str) -> None:
    options: dict[str, Any] = {"width": 48, "depth": 1, "vocabulary_size": 300, "dropout": 0.1, "plan": "off"}
    options |= {"batch_size": 16, "learning_rate": 5e-3, "epochs": 40, "model": model}
    said: list[str] = []
    run = train(str(few_pairs), out=str(tmp_path / "run"), say=said.append, **options)
    assert any(line.startswith("batches by length") for line in said)
    assert any("the sentence itself" in line for line in said)
    scores = run.result["valid"]
    assert scores["bleu"] > 40 and run.result["baseline"]["bleu"] < 10 and scores["chrf"] > 50
    low, high = scores["interval"]
    assert low <= scores["bleu"] <= high and 0 <= run.result["padding_share"] < 0.3
    titles = {one["title"] for one in json.loads((tmp_path / "run" / "panels.json").read_text(encoding="utf-8"))}
    assert {"Sample translations", "Worst translations", "Where a translation looks", "Padding", "Pairs"} <= titles
    moved = tmp_path / "elsewhere"
    shutil.copytree(tmp_path / "run" / "model", moved)
    shutil.rmtree(tmp_path / "run")
    alone = Run(moved)
    (answer,) = alone.predict("the man sees my old friend.")
    assert answer["input"] == "the man sees my old friend." and "amigo" in answer["translation"]
    assert "amigo" in alone.with_beam(1).predict("the man sees my old friend.")[0]["translation"]
    (tmp_path / "new.txt").write_text("the dog sees nobody.\n\nnobody sees the dog.\n", encoding="utf-8")
    assert [one["input"] for one in alone.predict(str(tmp_path / "new.txt"))] == ["line 1", "line 3"]
    assert alone.evaluate(str(few_pairs))["scores"]["bleu"] > 40
    with pytest.raises(UserError, match="no known spanish"):
        alone.evaluate(str(tmp_path / "new.txt"))
    with pytest.raises(UserError, match="beam"):
        alone.with_beam(0)


def test_an_interval_of_bleu_needs_no_second_translation(few_pairs: Path) -> None:
    splits = loaded(few_pairs, vocabulary_size=300)
    metric = TASK.metric(splits.spec)
    rows = torch.tensor(
        [counts(one, other) for one, other in zip(["abcdefgh", "abcd"] * 9, ["abcd", "abcd"] * 9, strict=True)]
    )
    low, high = bootstrap_interval(metric, rows * len(rows))
    assert 0 <= low <= high <= 100


def test_killed_and_resumed_ends_with_the_same_weights(few_pairs: Path, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    options = ["--width", "32", "--depth", "1", "--epochs", "3", "--plan", "off", "--checkpoint-every", "3"]
    options += ["--log-every", "1", "--batch-size", "8", "--vocabulary-size", "300", "--evaluate-every", "7"]
    assert run_command("train", few_pairs, "--out", whole, *options).returncode == 0
    assert kill_at(killed, ["train", few_pairs, "--out", killed, *options], 12) == -signal.SIGKILL
    resumed = run_command("resume", killed)
    assert resumed.returncode == 0, resumed.stderr
    assert digest(killed) == digest(whole)
    said = run_command("predict", killed, "the man sees the dog.", "--beam", "2")
    assert said.returncode == 0 and said.stdout.startswith("the man sees the dog.\t"), said.stderr
