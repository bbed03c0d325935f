"""Where a network for texts starts: an encoder of transformers, or a language model that a run of ours has trained."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError

from convergent.config import Config
from convergent.data.text import CONTEXT, Given, TextFeatures
from convergent.data.tokens import PretrainedTokenizer, tokenizer_from_json
from convergent.models import transformers_folder
from convergent.models.encoder import EncoderClassifier, LanguageEncoder, TransformersEncoder
from convergent.models.lora import add_lora
from convergent.tasks import _language
from convergent.types import UserError

LANGUAGE = "language-modelling"
NETWORK = ("model", "width", "depth", "heads", "positions", "activation", "context")
DROPOUTS = (
    "hidden_dropout_prob", "attention_probs_dropout_prob", "dropout", "attention_dropout", "hidden_dropout",
    "resid_pdrop", "dropout_rate", "embd_pdrop", "attn_pdrop", "embedding_dropout", "mlp_dropout",
)  # fmt: skip
"""What networks of transformers call their dropout rates."""
DROPOUT = 0.1
WIDTHS, USUAL_WIDTH = ("hidden_size", "n_embd", "d_model", "dim"), 768
"""What they call the features of a token."""
FINE_RATES = {"adam": 1e-4, "adamw": 1e-4, "rmsprop": 5e-5, "adagrad": 1e-3, "sgd": 1e-2, "gradient_descent": 0.1}
FINE_WIDTH = 384  # of the network that FINE_RATES are for
FROZEN_RATE, LORA_RATE = 20, 5  # times as large: a head alone, and updates of low rank


def open_start(config: Config) -> Given:
    """Return what the network that `--pretrained` names is, and how it is to be fed.

    Raises UserError where there is none, its parts do not belong together, or an option contradicts it.
    """
    address = str(config.pretrained)
    own = _own_model(address)
    given = _language_run(own) if own else _transformers(address)
    if config.tokenizer not in (None, given.tokenizer.kind):
        raise UserError(f"--tokenizer {config.tokenizer}: {address} brings its own, {given.tokenizer.kind}.")
    if config.vocabulary_size not in (None, max(260, given.tokenizer.size)):
        raise UserError(f"--vocabulary-size {config.vocabulary_size}: {address} has {given.tokenizer.size:,} tokens.")
    if given.most is not None and config.context is not None and config.context > given.most:
        raise UserError(f"--context {config.context}: {address} takes {given.most} tokens at most.")
    return given


def _own_model(address: str) -> Path | None:
    path = Path(address).expanduser()
    return next((one for one in (path / "model", path) if (one / "model.json").is_file()), None)


def _transformers(address: str) -> Given:
    folder = transformers_folder.find_folder(address)
    architecture = transformers_folder.read_architecture(folder)
    tokenizer, most = transformers_folder.read_tokenizer(folder, architecture)
    sha256 = transformers_folder.weights_digest(folder)
    width = next((int(architecture[name]) for name in WIDTHS if architecture.get(name)), USUAL_WIDTH)
    start = {"kind": "transformers", "width": width, "architecture": architecture, "sha256": sha256}
    return Given(tokenizer_from_json(tokenizer), most, start)


def _language_run(folder: Path) -> Given:
    try:
        stored = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        config, features = stored["config"], stored["spec"]["features"]
        digest = hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest()
        if stored["task"] != LANGUAGE:
            raise UserError(f"--pretrained {folder}: is a run of {stored['task']}. Give one of {LANGUAGE}.")
        network = {name: config[name] for name in NETWORK}
        tokenizer = tokenizer_from_json(features["tokenizer"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"--pretrained {folder}: cannot be read ({str(error)[:120]}).") from None
    # Places that are turned or waves go on beyond what was seen; of learned ones there are no more.
    most = int(network["context"]) if network["positions"] == "learned" and network["heads"] else None
    start = {"kind": LANGUAGE, "width": network["width"], "architecture": network, "sha256": digest}
    return Given(tokenizer, most, start)


def refuse_contradictions(config: Config, model: str) -> None:
    """Raise UserError for options that contradict a pretrained network, which `model` stands for.

    >>> refuse_contradictions(Config(pretrained="runs/my-bert"), "encoder")
    """
    if config.model not in (None, model):
        raise UserError(f"--model {config.model}: --pretrained brings its own network. Leave --model away.")
    for name in ("width", "depth", "heads", "positions", "activation"):
        if getattr(config, name) is not None:
            raise UserError(f"--{name}: --pretrained brings its own network. Leave it away.")
    if config.optimizer == "muon":
        raise UserError("--optimizer muon does not go on well from weights that Adam has made. Take adamw.")


def with_start(config: Config, decided: dict[str, Any]) -> Config:
    """Return the config with every None decided, and the start as `resume` finds it from any folder."""
    chosen = {name: value for name, value in decided.items() if getattr(config, name) is None}
    path = Path(str(config.pretrained)).expanduser()
    return config.model_copy(update=chosen | ({"pretrained": str(path.resolve())} if path.is_dir() else {}))


def own_dropout(start: dict[str, Any]) -> float:
    """Return the dropout rate that a pretrained network was trained with."""
    rates = [start["architecture"].get(name) for name in DROPOUTS]
    return next((float(rate) for rate in rates if isinstance(rate, float | int) and rate), DROPOUT)


def fine_rate(config: Config, optimizer: str, width: int) -> float:
    """Return the peak learning rate of a pretrained network: the narrower, the larger (Yang et al. 2022, 2203.03466).

    >>> fine_rate(Config(), "adamw", 384), fine_rate(Config(), "adamw", 768)
    (0.0001, 5e-05)
    """
    if config.freeze:
        return FINE_RATES[optimizer] * FROZEN_RATE
    return FINE_RATES[optimizer] * FINE_WIDTH / width * (LORA_RATE if config.lora else 1)


def build_encoder(features: TextFeatures, num_classes: int, config: Config) -> EncoderClassifier:
    """Return the classifier on top of the pretrained network: with its weights where `config` says where they lie.

    Raises UserError where they cannot be read or do not fit.
    """
    assert features.start is not None and config.dropout is not None
    build = _build_transformers if features.start["kind"] == "transformers" else _build_language_model
    encoder = build(features, config)
    if config.lora:
        add_lora(encoder, config.lora, config.dropout)
    return EncoderClassifier(encoder, num_classes, dropout=config.dropout, frozen=config.freeze)


def _build_transformers(features: TextFeatures, config: Config) -> TransformersEncoder:
    assert features.start is not None
    architecture = dict(features.start["architecture"])
    architecture |= {name: config.dropout for name in DROPOUTS if architecture.get(name)}
    folder = transformers_folder.find_folder(config.pretrained) if config.pretrained else None
    tokenizer = tokenizer_from_json(features.tokenizer)
    assert isinstance(tokenizer, PretrainedTokenizer)
    return TransformersEncoder(transformers_folder.make_network(architecture, folder), tokenizer.table)


def _build_language_model(features: TextFeatures, config: Config) -> LanguageEncoder:
    assert features.start is not None
    network = features.start["architecture"]
    context = max(features.context, network["context"] if network["positions"] == "learned" else CONTEXT)
    options = Config.model_validate({**network, "context": context, "dropout": config.dropout})
    model = _language.make_network(tokenizer_from_json(features.tokenizer).size, options)
    folder = _own_model(config.pretrained) if config.pretrained else None
    if folder is not None:
        try:
            model.load_state_dict(safetensors.torch.load_file(folder / "weights.safetensors"))
        except (OSError, SafetensorError, RuntimeError) as error:
            why = " ".join(str(error).split())[:160]
            raise UserError(f"--pretrained {folder}: the weights do not fit its model.json ({why}).") from None
    return LanguageEncoder(model)
