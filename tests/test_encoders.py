"""Texts by a pretrained network: its tokeniser as it is, its weights, what is refused, and what of it is trained."""

from __future__ import annotations

import json
import pickle
import shutil
import signal
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from conftest import SAMPLES, run_command
from convergent.config import make_config
from convergent.contract import check_task
from convergent.data.source import open_source
from convergent.data.tokens import MASK, UNKNOWN, PretrainedTokenizer, first_tokens, tokenizer_from_json
from convergent.doctor.record import Layer
from convergent.doctor.rules.gradients import vanishing_gradient
from convergent.doctor.rules.setup_model import bad_initialization
from convergent.models import transformers_folder
from convergent.models.encoder import EncoderClassifier, TransformersEncoder
from convergent.optim import make_optimizers, rate_at, trainable
from convergent.run import train
from convergent.tasks.text_classification import TASK
from convergent.trained import load
from convergent.types import Splits, UserError
from encoders import LENGTH, make_network, write_encoder, write_tokenizer
from recorded import layer, stuck
from test_resume import digest

PLAIN: dict[str, Any] = {"plan": "off", "treat": "off", "preflight": False, "say": lambda line: None}


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_encoder(tmp_path_factory.mktemp("bert"))


@pytest.fixture
def copied(bert: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bert, tmp_path / "copied"))


def built(data: Path, **options: object) -> tuple[Splits, EncoderClassifier, Any]:
    config = make_config(task="text-classification", **options)
    splits = TASK.load(open_source(str(data)), config)
    config = TASK.defaults(splits.spec, config)
    torch.manual_seed(0)
    network = TASK.build(splits.spec, config)
    assert isinstance(network, EncoderClassifier)
    return splits, network, config


def refused(data: Path, *words: str, **options: object) -> None:
    with pytest.raises(UserError) as error:
        built(data, **options)
    assert "\n" not in str(error.value)
    for word in words:
        assert word in str(error.value), str(error.value)


def tokenizer_of(folder: Path) -> PretrainedTokenizer:
    stored, _ = transformers_folder.read_tokenizer(folder, transformers_folder.read_architecture(folder))
    tokenizer = tokenizer_from_json(json.loads(json.dumps(stored)))
    assert isinstance(tokenizer, PretrainedTokenizer)
    return tokenizer


def test_the_tokenizer_is_used_as_it_is(bert: Path, tmp_path: Path) -> None:
    theirs, ours = write_tokenizer(tmp_path), tokenizer_of(bert)
    for text in ("Call now: you have won a prize!", "", "Caf\u00e9 \ud800 \u4e16 [MASK]", "free " * 30):
        expected = theirs(text.encode("utf-8", "replace").decode(), truncation=False, padding=False)["input_ids"]
        assert [ours.table[place] for place in ours.encode(text)] == expected
    ids = ours.encode("\u4e16 [MASK] free")
    assert ids[1] == UNKNOWN and ids[2] == MASK
    assert ours.decode(ids[2:]) == "free"


def test_a_text_that_is_cut_keeps_the_mark_that_closes_it(bert: Path) -> None:
    tokenizer = tokenizer_of(bert)
    whole = tokenizer.encode("call now for your free prize")
    cut = first_tokens(tokenizer, whole, 5)
    assert cut == [*whole[:4], whole[-1]]
    assert first_tokens(tokenizer, whole, 100) == whole


@pytest.mark.parametrize("kind", ["bert", "roberta", "gpt2"])
def test_features_are_those_of_transformers(kind: str, tmp_path: Path) -> None:
    folder = write_encoder(tmp_path, kind)
    reference = make_network(kind, tokenizer_of(folder).num_ids).eval()
    tokenizer = tokenizer_of(folder)
    architecture = transformers_folder.read_architecture(folder)
    encoder = TransformersEncoder(transformers_folder.make_network(architecture, folder), tokenizer.table).eval()
    assert encoder.causal == (kind == "gpt2")
    ids = tokenizer.encode("call now")
    padded = torch.tensor([[*ids, 0, 0, 0]])
    theirs = torch.tensor([[tokenizer.table[place] for place in ids]])
    with torch.no_grad():
        expected = reference(input_ids=theirs).last_hidden_state
        found = encoder(padded, padded != 0)[:, : len(ids)]
    assert torch.allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("kind", ["bert", "gpt2"])
def test_padding_changes_nothing(few_messages: Path, tmp_path: Path, kind: str) -> None:
    splits, network, _ = built(few_messages, pretrained=str(write_encoder(tmp_path, kind)))
    (tokens,) = splits.train.batch(np.arange(4)).inputs
    padded = torch.nn.functional.pad(tokens, (0, max(0, LENGTH - tokens.shape[1])))
    with torch.no_grad():
        assert torch.allclose(network.eval()(tokens), network(padded), atol=1e-5)


def test_from_data_to_a_model_that_was_moved(few_messages: Path, copied: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    run = train(str(few_messages), out=str(out), pretrained=str(copied), max_steps=12, **PLAIN)
    assert run.result["model"] == "encoder" and run.config.tokenizer == "pretrained"
    text = "WINNER!! You have won a prize, call 09061701461 now"
    (answer,) = run.predict(text)
    shutil.move(out / "model", tmp_path / "elsewhere")
    shutil.rmtree(out)
    shutil.rmtree(copied)
    assert load(tmp_path / "elsewhere").predict(text) == [answer]


def test_the_contract_holds(few_messages: Path, bert: Path) -> None:
    assert check_task(TASK, str(few_messages), pretrained=str(bert)) == []


def test_killed_and_resumed_ends_with_the_same_weights(few_messages: Path, bert: Path, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    options = ["--pretrained", bert, "--unfreeze", "0.6", "--layer-decay", "0.8", "--epochs", "2", "--plan", "off"]
    options += ["--checkpoint-every", "3", "--log-every", "1", "--treat", "off", "--preflight", "off"]
    done = run_command("train", few_messages, "--out", whole, *options)
    assert done.returncode == 0, done.stderr
    done = run_command("train", few_messages, "--out", killed, *options, at="step 10")
    assert done.returncode == -signal.SIGKILL, done.stderr
    resumed = run_command("resume", killed)
    assert resumed.returncode == 0, resumed.stderr
    assert digest(killed) == digest(whole)


def test_weights_in_the_old_format_are_read_as_tensors_alone(few_messages: Path, copied: Path) -> None:
    _, safe, _ = built(few_messages, pretrained=str(copied))
    tensors = safetensors.torch.load_file(copied / "model.safetensors")
    (copied / "model.safetensors").unlink()
    torch.save(tensors, copied / "pytorch_model.bin")
    _, old, _ = built(few_messages, pretrained=str(copied))
    for one, other in zip(safe.state_dict().values(), old.state_dict().values(), strict=True):
        assert torch.equal(one, other)


class Evil:
    """What runs code as soon as it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_nothing_in_a_file_of_weights_is_run(few_messages: Path, copied: Path, tmp_path: Path) -> None:
    (copied / "model.safetensors").unlink()
    torch.save({"embeddings": Evil(tmp_path / "run by it")}, copied / "pytorch_model.bin")
    refused(few_messages, "cannot be made", pretrained=str(copied))
    (copied / "pytorch_model.bin").write_bytes(pickle.dumps(Evil(tmp_path / "run by it")))
    refused(few_messages, "cannot be made", pretrained=str(copied))
    assert not (tmp_path / "run by it").exists()


def test_a_folder_that_holds_no_encoder_is_refused(few_messages: Path, copied: Path, tmp_path: Path) -> None:
    refused(few_messages, "no such folder", pretrained=str(tmp_path / "nothing"))
    (tmp_path / "empty").mkdir()
    refused(few_messages, "no config.json", pretrained=str(tmp_path / "empty"))
    refused(few_messages, "is a file", pretrained=str(copied / "model.safetensors"))
    weights = (copied / "model.safetensors").read_bytes()
    (copied / "model.safetensors").write_bytes(weights[:1000])
    refused(few_messages, "cannot be made", pretrained=str(copied))
    (copied / "model.safetensors").unlink()
    refused(few_messages, "no weights", pretrained=str(copied))
    (copied / "tokenizer.json").unlink()
    refused(few_messages, "tokenizer cannot be read", pretrained=str(copied))
    for content in ("{", "{}", '{"model_type": "nothing-known"}', "[1]"):
        (copied / "config.json").write_text(content)
        refused(few_messages, "config.json cannot be used", pretrained=str(copied))
    (copied / "config.json").write_text('{"model_type": "t5"}')
    refused(few_messages, "with a decoder", pretrained=str(copied))
    (copied / "config.json").write_text('{"model_type": "vit"}')
    refused(few_messages, "reads no tokens", pretrained=str(copied))


def test_parts_that_do_not_belong_together_are_refused(few_messages: Path, copied: Path) -> None:
    size = tokenizer_of(copied).num_ids
    config = json.loads((copied / "config.json").read_text())
    make_network("bert", size - 1).save_pretrained(copied)
    refused(few_messages, f"{size} tokens", f"{size - 1}:", pretrained=str(copied))
    make_network("bert", 2 * size).save_pretrained(copied)
    refused(few_messages, "do not belong together", pretrained=str(copied))
    (copied / "config.json").write_text(json.dumps(config))
    refused(few_messages, "cannot be made", pretrained=str(copied))
    tensors = make_network("bert", size).state_dict()
    kept = {name: tensor for name, tensor in tensors.items() if "layer.2.output" not in name}
    safetensors.torch.save_file(kept, copied / "model.safetensors", metadata={"format": "pt"})
    refused(few_messages, "the weights lack `encoder.layer.2.output", pretrained=str(copied))


def test_a_hub_that_cannot_be_reached_is_one_line(few_messages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(socket, "create_connection", unreachable)
    refused(few_messages, "the hub does not give it", "not known", pretrained="someone/no-such-encoder")
    refused(few_messages, "the hub does not give it", pretrained="no-such-encoder")


def test_options_that_contradict_a_pretrained_network_are_refused(few_messages: Path, bert: Path) -> None:
    wrong: list[dict[str, object]] = [
        {"width": 8},
        {"heads": 2},
        {"model": "gru"},
        {"ensemble": 2},
        {"optimizer": "muon"},
    ]
    wrong += [{"tokenizer": "word"}, {"vocabulary_size": 999}, {"context": LENGTH + 1}, {"word_dropout": 0.1}]
    wrong += [{"freeze": True, "lora": 2}, {"freeze": True, "layer_decay": 0.5}, {"freeze": True, "unfreeze": 0.5}]
    for options in wrong:
        refused(few_messages, next(iter(options)).replace("_", "-"), pretrained=str(bert), **options)
    refused(few_messages, "needs --pretrained", model="encoder")
    for options in ({"freeze": True}, {"lora": 4}, {"layer_decay": 0.9}, {"unfreeze": 0.5}):
        with pytest.raises(UserError, match="--pretrained"):
            make_config(**options)


def moved(network: EncoderClassifier, config: Any, splits: Splits) -> set[str]:
    """Return the parameters that three steps change."""
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    (optimizer,) = make_optimizers(network, config)
    loss = TASK.loss(splits.spec, config)
    network.train()
    for _ in range(3):
        value, _ = TASK.step(network, splits.train.batch(np.arange(8)), loss)
        value.backward()
        optimizer.step()
        optimizer.zero_grad()
    return {name for name, tensor in network.state_dict().items() if not torch.equal(tensor, before[name])}


def test_a_frozen_encoder_stays_as_it_is(few_messages: Path, bert: Path) -> None:
    splits, network, config = built(few_messages, pretrained=str(bert), freeze=True)
    assert moved(network, config, splits) == {"head.weight", "head.bias"}
    assert not network.encoder.training


@pytest.mark.parametrize("kind", ["bert", "gpt2"])
def test_low_rank_updates_leave_the_matrices_alone(few_messages: Path, tmp_path: Path, kind: str) -> None:
    splits, network, config = built(few_messages, pretrained=str(write_encoder(tmp_path, kind)), lora=2)
    changed = moved(network, config, splits)
    assert {"head.weight", "head.bias"} < changed
    assert all("lora" in name for name in changed if not name.startswith("head"))
    assert sum(p.numel() for p in trainable(network).values()) < 0.5 * sum(p.numel() for p in network.parameters())


def test_the_doctor_knows_that_low_rank_updates_start_from_zero() -> None:
    def pair(number: int) -> list[Layer]:
        name = f"encoder.layer.{number}.query"
        zeros = layer(f"{name}.lora_B.default", equal_units=True, weight_std=0.0, weight_mean=0.0)
        return [layer(f"{name}.lora_A.default"), zeros]

    layers = [one for number in range(3) for one in pair(number)]
    tiny = {one.name: 1e-9 if "A" in one.name else 1.0 for one in layers}
    found = stuck(layers=[*layers, layer("head", is_last=True)])
    found.samples = [replace(one, grad_norm={**tiny, "head": 1.0}) for one in found.samples]
    assert bad_initialization(found) is None and vanishing_gradient(found) is None


def test_low_rank_updates_are_built_again_for_prediction(few_messages: Path, bert: Path, tmp_path: Path) -> None:
    run = train(str(few_messages), out=str(tmp_path / "run"), pretrained=str(bert), lora=2, max_steps=4, **PLAIN)
    assert run.predict("call now for a prize")[0]["class"] in ("ham", "spam")


def test_each_layer_has_a_rate_and_a_beginning_of_its_own(few_messages: Path, bert: Path) -> None:
    _, network, config = built(few_messages, pretrained=str(bert), learning_rate=1.0, layer_decay=0.5, unfreeze=0.8)
    (optimizer,) = make_optimizers(network, config)
    names = {parameter: name for name, parameter in network.named_parameters()}
    found = {names[p]: group for group in optimizer.param_groups for p in group["params"]}
    assert found.keys() == set(names.values())
    for name, rate, begins in (
        ("head.weight", 1.0, 0.0),
        ("encoder.network.encoder.layer.2.output.dense.weight", 0.5, 0.2),
        ("encoder.network.encoder.layer.0.output.dense.bias", 0.125, 0.6),
        ("encoder.network.embeddings.word_embeddings.weight", 0.0625, 0.8),
    ):
        group = found[name]
        assert (group["initial_lr"], round(group["begins"], 6)) == (rate, begins)
        assert rate_at(group, 1.0, begins - 0.01) == 0.0
        assert rate_at(group, 0.5, begins + 0.01) == 0.5 * rate


@pytest.fixture(scope="module")
def language_runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("language")
    text = folder / "emma.txt"
    text.write_text((SAMPLES / "emma.txt").read_text(encoding="utf-8")[:8_000], encoding="utf-8")
    options = {"width": 32, "depth": 2, "context": 16, "max_steps": 4, **PLAIN}
    return {
        model: train(str(text), out=str(folder / model), model=model, **options).folder
        for model in ("bert", "gpt", "lstm")
    }


@pytest.mark.parametrize("model", ["bert", "gpt", "lstm"])
def test_a_language_model_of_ours_is_taken_over(
    language_runs: dict[str, Path], few_messages: Path, tmp_path: Path, model: str
) -> None:
    folder = Path(shutil.copytree(language_runs[model], tmp_path / "language"))
    splits, network, config = built(few_messages, pretrained=str(folder))
    assert config.tokenizer == load(folder).config.tokenizer and config.context == 512
    assert network.encoder.causal == (model != "bert")
    stored = safetensors.torch.load_file(folder / "model" / "weights.safetensors")
    taken = {name.removeprefix("encoder.model."): tensor for name, tensor in network.state_dict().items()}
    assert all(torch.equal(taken[name], tensor) for name, tensor in stored.items() if not name.startswith("head"))
    (tokens,) = splits.train.batch(np.arange(4)).inputs
    with torch.no_grad():
        padded = torch.nn.functional.pad(tokens, (0, 5))
        assert torch.allclose(network.eval()(tokens), network(padded), atol=1e-5)
    run = train(str(few_messages), out=str(tmp_path / "run"), pretrained=str(folder), max_steps=3, **PLAIN)
    (answer,) = run.predict("call now for a prize")
    shutil.rmtree(folder)
    assert load(tmp_path / "run").predict("call now for a prize") == [answer]


def test_other_runs_and_damaged_ones_are_refused(
    language_runs: dict[str, Path], few_messages: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(language_runs["gpt"], tmp_path / "gpt"))
    path = folder / "model" / "model.json"
    stored = json.loads(path.read_text())
    path.write_text(json.dumps({**stored, "task": "tabular-regression"}))
    refused(few_messages, "is a run of tabular-regression", pretrained=str(folder))
    path.write_text(json.dumps({**stored, "config": {**stored["config"], "width": 64}}))
    refused(few_messages, "do not fit", pretrained=str(folder))
    path.write_text("{")
    refused(few_messages, "cannot be read", pretrained=str(folder))
