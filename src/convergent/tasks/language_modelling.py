"""Learn how texts go on (GPT, LSTM, GRU), or what stood where a token is masked (BERT)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from torch import Tensor, nn

from convergent.config import Config, nearest
from convergent.data.source import Source
from convergent.data.token_stream import (
    MASKED_SHARE,
    Stream,
    TextFeatures,
    TokenWindows,
    check_length,
    judged_windows,
    open_stream,
    read_stream,
)
from convergent.data.tokens import tokenizer_from_json
from convergent.task import Task
from convergent.tasks import _language, _writing
from convergent.tasks._language_size import choose_epochs, choose_size
from convergent.types import DataSpec, Metric, Panel, Recognition, Samples, Splits, UserError

NAME = "language-modelling"
MODELS = {
    "gpt": "causal Transformer: predicts the next token, and writes",
    "bert": "Transformer in both directions: predicts masked tokens",
    "lstm": "recurrent network with long short-term memory, causal",
    "gru": "recurrent network with gated units, causal",
}
HEAD_WIDTH = 32
PEAK_RATES = {
    "adam": 1e-3, "adamw": 1e-3, "muon": 0.02, "rmsprop": 3e-4, "adagrad": 1e-2, "sgd": 0.1, "gradient_descent": 0.1,
}  # fmt: skip


def recognise(source: Source, config: Config) -> Recognition | None:
    """Return why the source holds running text, or None."""
    return Recognition(0.6, "running text") if source.kind == "text" else None


def load(source: Source, config: Config) -> Splits:
    """Return windows over the texts; raises UserError where there is too little text, or none."""
    masked = config.model == "bert"
    stream = _stream(source, config)
    num_tokens = len(stream.parts["train"])
    context = config.context or min(choose_size(config, num_tokens).context, longest_context(num_tokens))
    check_length(stream, context)
    record, size = stream.record, stream.tokenizer.size
    fitted = {name: value for name, value in record.items() if name in TextFeatures.model_fields}
    features = TextFeatures.model_validate({**fitted, "context": context, "masked": masked})
    train = TokenWindows(stream.parts["train"], context, size, masked)
    held = {
        part: judged_windows(stream.parts[part], context, size, masked)
        for part in ("valid", "test")
        if part in stream.parts
    }
    sizes = {part: len(samples) for part, samples in (("train", train), *held.items())}
    spec = DataSpec(
        task=NAME,
        source=source.address,
        modality="tokens",
        fingerprint=record["fingerprint"],
        sizes=sizes,
        split=_split_sentence(source, features),
        target=f"{MASKED_SHARE:.0%} of the tokens, masked" if masked else "the next token",
        features=features.model_dump(),
        refused=record["refused"],
    )
    return Splits(spec, train, held["valid"], held.get("test"))


def _stream(source: Source, config: Config) -> Stream:
    if config.tokenizer == "word":
        raise UserError("--tokenizer word does not keep what stands between words. Use character, bpe or bytes.")
    held = (config.valid_fraction, config.test_fraction)
    return open_stream(
        dict(source.parts), config.tokenizer, config.vocabulary_size, held, config.max_bad, config.cache_gigabytes
    )


def _split_sentence(source: Source, features: TextFeatures) -> str:
    tokens = ", ".join(f"{count:,} {part}" for part, count in features.tokens.items())
    kind, size = features.tokenizer["kind"], len(features.unigram)
    given = [part for part in ("valid", "test") if part in source.parts]
    how = f"{' and '.join(given)} as given" if given else "the end of the text is held out"
    unknown = [f"{count:,} unknown to the training part in {part}" for part, count in features.unknown.items() if count]
    read = "".join(f"; {one}" for one in unknown)
    return f"{how}; windows of {features.context} tokens ({kind}, {size:,} kinds): {tokens}{read}"


def read(source: Source, spec: DataSpec, config: Config) -> TokenWindows:
    """Return the windows of other texts, by the tokeniser of the training."""
    features = TextFeatures(**spec.features)
    ids, refused = read_stream(dict(source.parts), tokenizer_from_json(features.tokenizer), config.max_bad)
    if len(ids) < 2:
        raise UserError(f"{source.address}: holds {len(ids)} tokens: there is nothing to predict.")
    return judged_windows(ids, features.context, len(features.unigram), features.masked, refused)


def longest_context(num_tokens: int) -> int:
    """Return the most tokens of a window that leave a text a hundred windows, a power of two.

    >>> longest_context(1_000_000), longest_context(5_000)
    (8192, 32)
    """
    return int(max(8, 2 ** int(np.log2(max(1, num_tokens / 100)))))


def defaults(spec: DataSpec, config: Config) -> Config:
    """Return the config with every None that texts need decided from the data; what the user set stays.

    Raises UserError for an unknown network, and for options that have no meaning here.
    """
    _refuse_foreign(config)
    features = TextFeatures(**spec.features)
    model = config.model or "gpt"
    recurrent = model in ("lstm", "gru")
    optimizer = config.optimizer or ("adamw" if recurrent else "muon")
    size = choose_size(config, features.tokens["train"])
    width = config.width or size.width * (2 if recurrent else 1)
    decided: dict[str, Any] = {
        "task": NAME,
        "model": model,
        "tokenizer": features.tokenizer["kind"],
        "vocabulary_size": max(260, len(features.unigram)),
        "context": features.context,
        "width": width,
        "depth": 2 if recurrent else size.depth,
        "heads": max(1, width // HEAD_WIDTH),
        "positions": "rotary",
        "activation": "tanh" if recurrent else "squared_relu",
        "dropout": 0.0,
        "loss": "cross_entropy",
        "output": "softmax",
        "label_smoothing": 0.0,
        "optimizer": optimizer,
        "learning_rate": PEAK_RATES[optimizer],
        "beta2": 0.99,
        "weight_decay": 0.1,
        "clip_norm": 1.0 if recurrent else None,
        "batch_size": size.batch_size,
        "epochs": choose_epochs(config, features.tokens["train"]),
        "schedule": "linear",
        "warmup": 0.02,
        "augment": ["none"],
        "ema": 0.0,
        "early_stopping": 0,
        "monitor": "loss",
    }
    chosen = config.model_copy(update={name: value for name, value in decided.items() if getattr(config, name) is None})
    _check_network(chosen)
    return chosen


def _refuse_foreign(config: Config) -> None:
    """Raise UserError for an unknown network, and for options that texts or the network would ignore."""
    if config.model is not None and config.model not in MODELS:
        raise UserError(f"unknown network `{config.model}`.{nearest(config.model, list(MODELS))} {NAME} has "
                        f"{', '.join(MODELS)}.")  # fmt: skip
    if config.augment not in (None, ["none"]):
        raise UserError("--augment is for images. Leave it away.")
    for name in ("ensemble", "mirror", "image_size", "token_budget", "text_column"):
        if getattr(config, name) is not None:
            raise UserError(f"--{name.replace('_', '-')} has no meaning for {NAME}. Leave it away.")
    for name in ("categorical", "numeric", "drop"):
        if getattr(config, name):
            raise UserError(f"--{name} is for tables. Leave it away.")
    if config.loss not in (None, "cross_entropy") or config.output not in (None, "softmax"):
        raise UserError("tokens are classes: the loss is cross_entropy and the output softmax. Leave both away.")
    if config.label_smoothing or config.class_weights != "none":
        raise UserError("--label-smoothing and --class-weights would spoil the perplexity. Leave them away.")
    if config.pretrained is not None:
        raise UserError("--pretrained: a language model starts from nothing here. Leave it away.")


def _check_network(config: Config) -> None:
    assert config.width and config.heads
    if config.model in ("lstm", "gru"):
        return
    if config.width % config.heads or (config.width // config.heads) % 2:
        raise UserError(
            f"--heads {config.heads} does not divide --width {config.width} into heads of even width. "
            f"Take a width that is a multiple of {2 * config.heads}, or --heads {max(1, config.width // HEAD_WIDTH)}."
        )


def build(spec: DataSpec, config: Config) -> nn.Module:
    """Return the network: tokens (B, T) -> logits (B, T, V)."""
    return _language.make_network(len(spec.features["unigram"]), config)


def loss(spec: DataSpec, config: Config) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the cross-entropy of logits (B, T, V) and tokens (B, T)."""
    return _language.next_token_loss


def metric(spec: DataSpec) -> Metric:
    """Return perplexity."""
    return _language.perplexity_metric()


def decode(judged_B3: Tensor, spec: DataSpec) -> list[dict[str, Any]]:
    """Return the loss and perplexity of each window."""
    losses = (judged_B3[:, _language.NATS] / judged_B3[:, _language.COUNT].clamp(min=1)).double()
    return [{"loss": one, "perplexity": float(np.exp(min(700.0, one)))} for one in losses.tolist()]


def draw(samples: Samples, judged_B3: Tensor, targets_BT: Tensor, spec: DataSpec) -> Sequence[Panel]:
    """Return how the loss is spread, and the windows that surprised most."""
    return _writing.window_panels(samples, judged_B3, spec)


TASK = Task(
    name=NAME,
    summary="learn how texts go on, or what stood where a token is masked",
    models=MODELS,
    recognise=recognise,
    load=load,
    read=read,
    defaults=defaults,
    build=build,
    loss=loss,
    judge=_language.judge,
    metric=metric,
    metrics=_language.metrics,
    baseline=_language.baseline,
    decode=decode,
    draw=draw,
    explain=_writing.explain,
    respond=_writing.respond,
    specimen=_writing.specimen,
)
