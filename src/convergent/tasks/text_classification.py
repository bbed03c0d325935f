"""Say which of several classes a text belongs to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from convergent.config import Config, nearest
from convergent.data.source import Source
from convergent.data.table_parts import has_features, understand
from convergent.data.text import TextFeatures, TextSamples, load_texts, read_texts, samples_of_text
from convergent.data.text_sources import text_column
from convergent.data.tokens import tokenizer_from_json
from convergent.losses import MembersLoss, make_loss
from convergent.models.bag import BagClassifier
from convergent.models.ensemble import Ensemble
from convergent.models.rnn import RecurrentClassifier
from convergent.models.text_transformer import TransformerClassifier
from convergent.models.transformer import Transformer
from convergent.task import Task
from convergent.tasks import _classification, _words
from convergent.tasks._start import (
    LANGUAGE,
    build_encoder,
    fine_rate,
    open_start,
    own_dropout,
    refuse_contradictions,
    with_start,
)
from convergent.types import DataSpec, Panel, Recognition, Samples, Splits, UserError

NAME = "text-classification"
MODELS = {
    "gru": "recurrent network with gated units that reads in both directions, attention over its features",
    "lstm": "the same with long short-term memory",
    "rnn": "the same with simple units: what the gates are measured against",
    "transformer": "Transformer encoder with rotary positions",
    "bag": "mean of the vectors of words and pairs of words: the baseline",
    "encoder": "pretrained network, fine-tuned: --pretrained FOLDER, NAME or RUN says which",
}
PEAK_RATES = {
    "adam": 2e-3, "adamw": 2e-3, "muon": 0.02, "rmsprop": 5e-4, "adagrad": 2e-2, "sgd": 0.1, "gradient_descent": 0.5,
}  # fmt: skip
TRANSFORMER_RATE = 0.5  # of a recurrent network's
FINE_EPOCHS, LAYER_DECAY = 4, 0.9
TEXTS_SEEN = 35_000  # over all epochs, within FEWEST and MOST epochs
FEWEST_EPOCHS, MOST_EPOCHS = 4, 20
BUDGET_LENGTHS = 4  # a batch holds as many tokens as `batch_size` texts of this many times the third quartile
HEAD_WIDTH = 32
SHOWN = 240
TABLE = {"text": 0.9, "more": 0.7}


def recognise(source: Source, config: Config) -> Recognition | None:
    """Return why the source holds texts with classes, or None."""
    if source.kind == "text_folders":
        return Recognition(0.9, "each class has a folder of texts")
    if source.kind != "table" or config.path_column is not None:
        return None
    known = understand(source, config)
    column = text_column(known, config, source.address)
    if column is None or (not known.classes and config.text_column is None):
        return None
    others = has_features(tuple(one for one in known.columns if one.name != column))
    confidence = 0.95 if config.text_column else TABLE["more" if others else "text"]
    return Recognition(confidence, f"column `{column}` holds texts, {known.reason} (target: {known.target_note})")


def load(source: Source, config: Config) -> Splits:
    """Return the texts' splits; raises UserError where they have one class, far too many, or cannot be read."""
    return load_texts(source, config, NAME, open_start(config) if config.pretrained else None)


def read(source: Source, spec: DataSpec, config: Config) -> TextSamples:
    """Return new texts by the tokeniser of `spec`; class id -1 where the source has no classes."""
    return read_texts(source, spec, config)


def defaults(spec: DataSpec, config: Config) -> Config:
    """Return the config with every None that texts need decided from the data; what the user set stays.

    Raises UserError for an unknown network, and for options that have no meaning here.
    """
    _refuse_foreign(config)
    if config.pretrained is not None:
        return fine_tuning(spec, config)
    features = TextFeatures.model_validate(spec.features)
    num_texts = spec.sizes["train"]
    model = config.model or "gru"
    transformer = model == "transformer"
    optimizer = config.optimizer or "adamw"
    width = config.width or (128 if transformer else 64)
    decided: dict[str, Any] = {
        **_of_any_network(spec, features, config),
        "model": model,
        "width": width,
        "depth": 2 if transformer else 1,
        "ensemble": 1 if model == "bag" else 4,
        "heads": max(1, width // HEAD_WIDTH) if transformer else None,
        "positions": "rotary" if transformer else None,
        "activation": "gelu" if transformer else "tanh",
        "dropout": 0.2 if transformer else 0.5,
        "word_dropout": 0.2,
        "optimizer": optimizer,
        "learning_rate": PEAK_RATES[optimizer] * (TRANSFORMER_RATE if transformer else 1.0),
        "epochs": None if config.max_steps else choose_epochs(num_texts),
        "schedule": "cosine",
        "warmup": 0.1,
    }
    chosen = config.model_copy(update={name: value for name, value in decided.items() if getattr(config, name) is None})
    if transformer:
        _check_heads(chosen)
    return chosen


def _of_any_network(spec: DataSpec, features: TextFeatures, config: Config) -> dict[str, Any]:
    """Return what is decided from the texts alone, whatever network reads them."""
    batch_size = config.batch_size or choose_batch_size(spec.sizes["train"])
    sigmoid = config.loss == "binary_cross_entropy" or config.output == "sigmoid"
    return {
        "task": NAME,
        "target": spec.target,
        "text_column": None if features.column == "text" else features.column,
        "tokenizer": features.tokenizer["kind"],
        "vocabulary_size": max(260, tokenizer_from_json(features.tokenizer).size),
        "context": features.context,
        "token_budget": batch_size * BUDGET_LENGTHS * max(16, min(features.context, features.lengths[3])),
        "loss": "binary_cross_entropy" if sigmoid else "cross_entropy",
        "output": "sigmoid" if sigmoid else "softmax",
        "label_smoothing": 0.0 if sigmoid else 0.1,
        "beta2": 0.999,
        "weight_decay": 0.01,
        "clip_norm": 1.0,
        "batch_size": batch_size,
        "augment": ["none"],
        "ema": 0.0,
        "early_stopping": 0,
        "monitor": "accuracy",
        "workers": 0,
    }


def fine_tuning(spec: DataSpec, config: Config) -> Config:
    """Return the config with every None decided for a pretrained network: Mosbach et al. 2021, arXiv 2006.04884."""
    assert config.pretrained
    features = TextFeatures.model_validate(spec.features)
    assert features.start is not None
    optimizer = config.optimizer or "adamw"
    own_run = features.start["kind"] == LANGUAGE  # it has read little, and has the more to learn
    decided: dict[str, Any] = {
        **_of_any_network(spec, features, config),
        "model": "encoder",
        "ensemble": 1,
        "layer_decay": 1.0 if config.freeze else LAYER_DECAY,
        "unfreeze": 0.0,
        "dropout": own_dropout(features.start),
        "word_dropout": 0.0,
        "optimizer": optimizer,
        "learning_rate": fine_rate(config, optimizer, features.start["width"]),
        "epochs": None if config.max_steps else choose_epochs(spec.sizes["train"]) if own_run else FINE_EPOCHS,
        "schedule": "linear",
        "warmup": 0.1,
    }
    return with_start(config, decided)


def choose_batch_size(num_texts: int) -> int:
    """Return texts a step: about half the root of their number, a power of two.

    >>> choose_batch_size(300), choose_batch_size(7_000), choose_batch_size(1_000_000)
    (16, 32, 64)
    """
    return int(min(64, max(16, 2 ** round(math.log2(max(1, num_texts)) / 2 - 1))))


def choose_epochs(num_texts: int) -> int:
    """Return passes over the data: many over few texts, few over many.

    >>> choose_epochs(500), choose_epochs(7_000), choose_epochs(1_000_000)
    (20, 5, 4)
    """
    return min(MOST_EPOCHS, max(FEWEST_EPOCHS, TEXTS_SEEN // num_texts))


def _refuse_foreign(config: Config) -> None:
    """Raise UserError for an unknown network, and for options that texts or the network would ignore."""
    if config.model is not None and config.model not in MODELS:
        raise UserError(
            f"--model {config.model}: no network for texts.{nearest(config.model, list(MODELS))} "
            f"There are {', '.join(MODELS)}; --pretrained takes the folder or hub name of an encoder."
        )
    if config.augment not in (None, ["none"]):
        raise UserError("--augment is for images. Leave it away.")
    for name in ("mirror", "image_size", "path_column"):
        if getattr(config, name) is not None:
            raise UserError(f"--{name.replace('_', '-')} has no meaning for {NAME}. Leave it away.")
    for name in ("categorical", "numeric", "drop"):
        if getattr(config, name):
            raise UserError(f"--{name} is for tables without texts. Leave it away.")
    if config.pretrained is not None:
        _refuse_for_pretrained(config)
        return
    if config.model == "encoder":
        raise UserError("--model encoder needs --pretrained: a folder or hub name of transformers, or a run of ours.")
    if config.model == "transformer":
        return
    if config.heads is not None or config.positions is not None:
        raise UserError("--heads and --positions are for --model transformer. Leave them away.")
    if config.activation not in (None, "tanh"):
        raise UserError(f"--activation {config.activation} is for --model transformer: gates have their own.")
    if config.model == "bag" and config.depth not in (None, 1):
        raise UserError("--depth has no meaning for --model bag, which has no hidden layer. Leave it away.")


def _refuse_for_pretrained(config: Config) -> None:
    """Raise UserError for options that contradict a pretrained network or each other."""
    refuse_contradictions(config, "encoder")
    if config.ensemble not in (None, 1) or config.word_dropout:
        raise UserError("--ensemble and --word-dropout are for networks from scratch. Leave them away.")
    if config.freeze and (config.unfreeze or config.lora or config.layer_decay not in (None, 1)):
        raise UserError("--freeze trains the head alone: leave --unfreeze, --lora and --layer-decay away, or --freeze.")


def _check_heads(config: Config) -> None:
    assert config.width and config.heads
    if config.width % config.heads or (config.width // config.heads) % 2:
        raise UserError(
            f"--heads {config.heads} does not divide --width {config.width} into heads of even width. "
            f"Take a width that is a multiple of {2 * config.heads}."
        )


def build(spec: DataSpec, config: Config) -> nn.Module:
    """Return the network: tokens (B, T) -> logits (B, C)."""
    assert config.ensemble and config.output
    if config.model == "encoder":
        return build_encoder(TextFeatures.model_validate(spec.features), len(spec.classes or []), config)
    members = [build_member(spec, config) for _ in range(config.ensemble)]
    return Ensemble(members, config.output) if len(members) > 1 else members[0]


def build_member(spec: DataSpec, config: Config) -> nn.Module:
    """Return one network of the ensemble."""
    features = TextFeatures.model_validate(spec.features)
    size, num_classes = tokenizer_from_json(features.tokenizer).size, len(spec.classes or [])
    assert config.width and config.depth and config.dropout is not None and config.word_dropout is not None
    common: dict[str, Any] = {"dropout": config.dropout, "words": config.word_dropout}
    if config.model == "bag":
        return BagClassifier(size, num_classes, width=config.width, **common)
    if config.model != "transformer":
        cell: Any = config.model
        return RecurrentClassifier(cell, size, num_classes, width=config.width, depth=config.depth, **common)
    assert config.heads and config.positions and config.activation
    network = Transformer(
        size, config.width, config.depth, config.heads, causal=False, context=features.context,
        positions=config.positions, activation=config.activation, dropout=config.dropout,
    )  # fmt: skip
    return TransformerClassifier(network, num_classes, config.width, **common)


def loss(spec: DataSpec, config: Config) -> MembersLoss:
    """Return the loss of logits (B, K, C) or (B, C) and class ids (B)."""
    counts = (spec.class_counts or {}).get("train")
    return MembersLoss(make_loss(config, len(spec.classes or []), counts), plain_dims=2)


def draw(samples: Samples, logits_BC: Tensor, targets_B: Tensor, spec: DataSpec) -> Sequence[Panel]:
    """Return what the texts are like, confusion, calibration and mistakes."""

    def values(index: int) -> dict[str, str]:
        return {"text": samples.text(index)[:SHOWN]} if isinstance(samples, TextSamples) else {}

    classes = spec.classes or []
    panels = _classification.classification_panels(logits_BC, targets_B, classes)
    mistakes = _classification.mistakes_panel(samples, logits_BC.float().softmax(1), targets_B, classes, values)
    return [_words.texts_panel(spec), _words.lengths_panel(spec), *panels, mistakes]


TASK = Task(
    name=NAME,
    summary="say which of several classes a text belongs to",
    models=MODELS,
    recognise=recognise,
    load=load,
    read=read,
    of_text=samples_of_text,
    defaults=defaults,
    build=build,
    loss=loss,
    metric=_classification.metric,
    metrics=_classification.metrics,
    baseline=_classification.baseline,
    decode=_classification.decode_likeliest,
    draw=draw,
    explain=_words.explain,
)
