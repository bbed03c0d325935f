"""Translate sentences: from pairs of sentences and their translations."""

from __future__ import annotations

from typing import Any

from torch import nn

from convergent.config import Config, nearest
from convergent.data.pair_sources import holds_pairs
from convergent.data.pairs import PairFeatures, PairSamples, load_pairs, read_pairs, samples_of_sentence
from convergent.data.source import Source
from convergent.task import Loss, Task
from convergent.tasks import _translating, _translation_panels
from convergent.tasks._start import fine_rate, own_dropout, refuse_contradictions, with_start
from convergent.tasks._start_translator import open_translator
from convergent.types import DataSpec, Recognition, Splits, UserError

NAME = "translation"
MODELS = {
    "transformer": "encoder and decoder of Transformer blocks",
    "gru": "recurrent encoder in both directions, recurrent decoder with attention",
    "pretrained": "encoder-decoder network of transformers, fine-tuned: --pretrained FOLDER or NAME says which",
}
HEAD_WIDTH = 64
PEAK_RATES = {
    "adam": 1e-3, "adamw": 1e-3, "muon": 0.01, "rmsprop": 3e-4, "adagrad": 1e-2, "sgd": 0.1, "gradient_descent": 0.1,
}  # fmt: skip
BATCH_SIZE, FINE_BATCH_SIZE = 128, 32
FINE_EPOCHS = 4
FINAL_EFFORT = 6.0  # a beam search of all sentences, beside greedy translations of about half of 1,000
BUDGET_LENGTHS = 3  # a batch holds as many tokens as `batch_size` pairs of this many times the third quartile
PAIRS_SEEN = 450_000  # over all epochs, within FEWEST and MOST epochs
FEWEST_EPOCHS, MOST_EPOCHS = 2, 30


def recognise(source: Source, config: Config) -> Recognition | None:
    """Return why the source holds sentences and their translations, or None."""
    found = holds_pairs(source, config)
    if found is None:
        return None
    return Recognition(0.96, f"`{found.source}` is translated into `{found.target}`: {found.why}")


def load(source: Source, config: Config) -> Splits:
    """Return the pairs' splits; raises UserError where no columns hold pairs, or too many of them are unusable."""
    return load_pairs(source, config, NAME, open_translator(config) if config.pretrained else None)


def read(source: Source, spec: DataSpec, config: Config) -> PairSamples:
    """Return new sentences by the tokeniser of `spec`, with their translations where the source has them."""
    return read_pairs(source, spec, config)


def defaults(spec: DataSpec, config: Config) -> Config:
    """Return the config with every None that pairs need decided from the data; what the user set stays.

    Raises UserError for an unknown network, and for options that have no meaning here.
    """
    _refuse_foreign(config)
    if config.pretrained is not None:
        return fine_tuning(spec, config)
    features = PairFeatures.model_validate(spec.features)
    recurrent = config.model == "gru"
    optimizer = config.optimizer or "adamw"
    width = config.width or (384 if recurrent else 256)
    decided: dict[str, Any] = {
        **_of_any_network(spec, features, config.batch_size or BATCH_SIZE),
        "model": "transformer",
        "width": width,
        "depth": 1 if recurrent else 3,
        "heads": None if recurrent else max(1, width // HEAD_WIDTH),
        "positions": None if recurrent else "rotary",
        "activation": "tanh" if recurrent else "squared_relu",
        "dropout": 0.3 if recurrent else 0.2,
        "optimizer": optimizer,
        "learning_rate": PEAK_RATES[optimizer],
        "beta2": 0.98,
        "epochs": choose_epochs(config, spec.sizes["train"]),
    }
    chosen = config.model_copy(update={name: value for name, value in decided.items() if getattr(config, name) is None})
    _check_network(chosen)
    return chosen


def _of_any_network(spec: DataSpec, features: PairFeatures, batch_size: int) -> dict[str, Any]:
    """Return what is decided from the pairs alone, whatever network reads them."""
    longest = 2 * max(features.lengths[name][3] for name in ("source", "target"))
    return {
        "task": NAME,
        "source_column": features.source,
        "target": spec.target,
        "tokenizer": features.tokenizer["kind"],
        "vocabulary_size": max(260, len(features.unigram)),
        "context": features.context,
        "token_budget": batch_size * BUDGET_LENGTHS * max(8, longest) // 2,
        "beam": 4,
        "loss": "cross_entropy",
        "output": "softmax",
        "label_smoothing": 0.1,
        "weight_decay": 0.01,
        "clip_norm": 1.0,
        "batch_size": batch_size,
        "schedule": "linear",
        "warmup": 0.05,
        "augment": ["none"],
        "ema": 0.0,
        "early_stopping": 0,
        "monitor": "loss",
        "workers": 0,
    }


def fine_tuning(spec: DataSpec, config: Config) -> Config:
    """Return the config with every None decided for a pretrained network, which has little to learn."""
    assert config.pretrained
    features = PairFeatures.model_validate(spec.features)
    assert features.start is not None
    optimizer = config.optimizer or "adamw"
    decided: dict[str, Any] = {
        **_of_any_network(spec, features, config.batch_size or FINE_BATCH_SIZE),
        "model": "pretrained",
        "dropout": own_dropout(features.start),
        "optimizer": optimizer,
        "learning_rate": fine_rate(config, optimizer, features.start["width"]),
        "beta2": 0.999,
        "epochs": None if config.max_steps else FINE_EPOCHS,
    }
    return with_start(config, decided)


def choose_epochs(config: Config, num_pairs: int) -> int | None:
    """Return passes over the data: many over few pairs, few over many; the most of use where the time decides.

    >>> choose_epochs(Config(), 29_000), choose_epochs(Config(), 1_000_000), choose_epochs(Config(time_limit=60), 99)
    (15, 2, 30)
    """
    if config.max_steps is not None:
        return None
    if config.time_limit is not None:
        return MOST_EPOCHS
    return min(MOST_EPOCHS, max(FEWEST_EPOCHS, PAIRS_SEEN // max(1, num_pairs)))


def _refuse_foreign(config: Config) -> None:
    """Raise UserError for an unknown network, and for options that pairs or the network would ignore."""
    if config.model is not None and config.model not in MODELS:
        raise UserError(f"unknown network `{config.model}`.{nearest(config.model, list(MODELS))} {NAME} has "
                        f"{', '.join(MODELS)}.")  # fmt: skip
    if config.augment not in (None, ["none"]):
        raise UserError("--augment is for images. Leave it away.")
    for name in ("ensemble", "mirror", "image_size", "path_column", "text_column", "word_dropout"):
        if getattr(config, name) is not None:
            raise UserError(f"--{name.replace('_', '-')} has no meaning for {NAME}. Leave it away.")
    for name in ("categorical", "numeric"):
        if getattr(config, name):
            raise UserError(f"--{name} is for tables without texts. Leave it away.")
    if config.loss not in (None, "cross_entropy") or config.output not in (None, "softmax"):
        raise UserError("tokens are classes: the loss is cross_entropy and the output softmax. Leave both away.")
    if config.class_weights != "none":
        raise UserError("--class-weights is for classes. Leave it away.")
    _refuse_for_network(config)


def _refuse_for_network(config: Config) -> None:
    """Raise UserError for options that the network would ignore, or that contradict it."""
    if config.pretrained is not None:
        _refuse_for_pretrained(config)
        return
    if config.model == "pretrained":
        raise UserError("--model pretrained needs --pretrained: a folder or hub name of an encoder-decoder network.")
    if config.positions not in (None, "rotary"):
        raise UserError(f"--positions {config.positions}: a translator's are rotary. Leave it away.")
    if config.model == "gru" and (config.heads is not None or config.positions is not None):
        raise UserError("--heads and --positions are for --model transformer. Leave them away.")
    if config.model == "gru" and config.activation not in (None, "tanh"):
        raise UserError(f"--activation {config.activation} is for --model transformer: gates have their own.")


def _refuse_for_pretrained(config: Config) -> None:
    """Raise UserError for options that contradict a pretrained network."""
    refuse_contradictions(config, "pretrained")
    if config.freeze or config.unfreeze or config.lora or config.layer_decay not in (None, 1):
        raise UserError("--freeze, --unfreeze, --lora and --layer-decay are for text-classification. Leave them away.")


def _check_network(config: Config) -> None:
    assert config.width
    if config.model == "gru":
        if config.width % 2:
            raise UserError(f"--width {config.width}: must be even: half of it reads in each direction.")
        return
    assert config.heads
    if config.width % config.heads or (config.width // config.heads) % 2:
        raise UserError(
            f"--heads {config.heads} does not divide --width {config.width} into heads of even width. "
            f"Take a width that is a multiple of {2 * config.heads}."
        )


def build(spec: DataSpec, config: Config) -> nn.Module:
    """Return the network: sentences (B, S) and what is written of their translations (B, T) -> logits (B, T, V)."""
    return _translating.make_network(spec, config)


def loss(spec: DataSpec, config: Config) -> Loss:
    """Return the loss of logits (B, T, V) and targets (B, W), smoothed."""
    smoothing: Loss = _translating.translation_loss(config.label_smoothing or 0.0)
    return smoothing


TASK = Task(
    name=NAME,
    summary="translate sentences, learned from pairs of sentences and their translations",
    models=MODELS,
    recognise=recognise,
    load=load,
    read=read,
    of_text=samples_of_sentence,
    defaults=defaults,
    build=build,
    loss=loss,
    judge=_translating.judge,
    judge_finally=_translating.judge_finally,
    final_effort=FINAL_EFFORT,
    metric=_translating.bleu_metric,
    metrics=_translating.metrics,
    baseline=_translating.baseline,
    baseline_is="the sentence itself",
    decode=_translating.decode,
    draw=_translation_panels.draw,
    explain=_translation_panels.explain,
)
