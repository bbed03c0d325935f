"""The one schema of all options: the command line, the YAML file and the Python arguments are made from it.

A field that is None is chosen from the data by the task; `RUN/config.yaml` holds the complete result.
"""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from convergent.types import UserError

Activation = Literal["relu", "leaky_relu", "squared_relu", "gelu", "silu", "sigmoid", "tanh"]
Output = Literal["linear", "sigmoid", "softmax"]
Loss = Literal["cross_entropy", "binary_cross_entropy", "mse", "mae", "huber"]
OptimizerName = Literal["gradient_descent", "sgd", "adam", "adamw", "rmsprop", "adagrad", "muon"]
Positions = Literal["rotary", "learned", "sinusoidal"]
TokenizerKind = Literal["character", "bpe", "bytes", "word", "pretrained"]
Schedule = Literal["constant", "linear", "step", "cosine", "one_cycle", "warmup_stable_decay", "reduce_on_plateau"]


def option(group: str, text: str, default: Any = None, **limits: Any) -> Any:
    """Return a field that knows its help text and the heading under which `--help` and docs/config.md list it."""
    return Field(default=default, description=text, json_schema_extra={"group": group}, **limits)


class Config(BaseModel):
    """All options of a training, checked and immutable.

    Raises UserError through `make_config`, which names the nearest known option for an unknown one.

    >>> make_config(epochs=3).epochs
    3
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=False)

    # Data
    task: str | None = option("Data", "what to learn (see `convergent tasks`); recognised from the data")
    target: str | None = option("Data", "the column (table) or array (npz) to predict")
    path_column: str | None = option("Data", "the column of a table that holds the paths of images")
    split_column: str | None = option("Data", "the column that says train, valid or test; `split` is recognised")
    group_column: str | None = option("Data", "rows with the same value stay in the same split")
    valid_fraction: float | None = option("Data", "share of the data held out to choose the best weights", gt=0, lt=1)
    test_fraction: float | None = option("Data", "share held out for the final judgement", ge=0, lt=1)
    categorical: list[str] = option("Data", "columns to treat as categories", [])
    numeric: list[str] = option("Data", "columns to treat as numbers", [])
    drop: list[str] = option("Data", "columns to leave out", [])
    image_size: int | None = option("Data", "side in pixels to which images are brought", ge=4, le=2048)
    max_bad: float = option("Data", "share of unreadable samples above which the run is refused", 0.01, ge=0, le=1)
    max_classes: int = option("Data", "more classes than this are taken for a mistake", 10_000, ge=2)
    cache_gigabytes: float = option("Data", "size up to which decoded images are kept on disk", 8.0, ge=0)
    workers: int | None = option("Data", "loader processes for what the cache does not hold", ge=0, le=64)

    # Text
    text_column: str | None = option("Text", "the column of a table that holds the texts")
    source_column: str | None = option("Text", "the column of a table that holds the sentences to translate")
    tokenizer: TokenizerKind | None = option(
        "Text", "what a token is: a character, byte pairs, a byte or a word; a pretrained network brings its own"
    )
    vocabulary_size: int | None = option("Text", "most tokens of `bpe` and `word`", ge=260, le=1_000_000)
    context: int | None = option("Text", "tokens that the network sees at once; longer texts are cut", ge=1, le=65_536)
    token_budget: int | None = option("Text", "tokens a step, padding counted, where texts differ in length", ge=1)
    beam: int | None = option(
        "Text", "translations that are followed at once; 1 takes the likeliest token", ge=1, le=64
    )
    heads: int | None = option("Text", "attention heads of a Transformer; they divide the width", ge=1, le=256)
    positions: Positions | None = option("Text", "how a Transformer's token knows its place")

    # Model
    model: str | None = option("Model", "network (see `convergent models`), or any image backbone of timm by name")
    pretrained: str | None = option(
        "Model",
        "weights to start from. Images: `timm` for the published ones of the backbone, or a safetensors file; texts: "
        "the folder or hub name of an encoder of transformers, or a run of language-modelling",
    )
    freeze: bool = option("Model", "keep the pretrained network as it is and train the head alone", False)
    unfreeze: float | None = option(
        "Model",
        "share of the steps over which pretrained layers begin to learn, the last one first",
        ge=0,
        le=1,
    )
    layer_decay: float | None = option(
        "Model", "factor of the learning rate from each pretrained layer to the one before it", gt=0, le=1
    )
    lora: int | None = option("Model", "rank of low-rank updates trained in place of the matrices", ge=1, le=1024)
    activation: Activation | None = option("Model", "activation function of the hidden layers")
    width: int | None = option("Model", "channels or units of the first hidden stage", ge=1, le=65_536)
    depth: int | None = option("Model", "number of hidden stages", ge=1, le=1_000)
    ensemble: int | None = option("Model", "members of an ensemble; for tables they share weights (TabM)", ge=1, le=256)

    # Loss
    output: Output | None = option("Loss", "what turns the network's last layer into a prediction; fits the loss")
    loss: Loss | None = option("Loss", "loss function; chosen from the target")
    label_smoothing: float | None = option("Loss", "share of the target spread over all classes", ge=0, lt=1)
    class_weights: Literal["none", "balanced"] = option("Loss", "weight classes by inverse frequency", "none")
    huber_delta: float = option("Loss", "where the Huber loss turns linear, in standard deviations", 1.0, gt=0)

    # Optimiser
    optimizer: OptimizerName | None = option("Optimiser", "optimiser; `gradient_descent` takes the whole split a step")
    learning_rate: float | Literal["auto"] | None = option("Optimiser", "peak learning rate; `auto` runs a range test")
    momentum: float | None = option("Optimiser", "momentum; 0.95 for Muon, 0.9 for SGD and RMSprop", ge=0, lt=1)
    nesterov: bool = option("Optimiser", "Nesterov's form of momentum", True)
    beta1: float = option("Optimiser", "decay of Adam's first moment", 0.9, ge=0, lt=1)
    beta2: float | None = option("Optimiser", "decay of Adam's second moment", ge=0, lt=1)
    weight_decay: float | None = option("Optimiser", "decoupled weight decay; never on biases and norms", ge=0)
    l1: float = option("Optimiser", "factor of the sum of |w| added to the loss", 0.0, ge=0)
    l2: float = option("Optimiser", "factor of the sum of w^2 added to the loss", 0.0, ge=0)
    batch_size: int | None = option("Optimiser", "samples a step", ge=1)
    accumulate: int = option("Optimiser", "parts into which a batch is cut to save memory", 1, ge=1)
    clip_norm: float | None = option("Optimiser", "largest norm of the gradient", gt=0)

    # Schedule
    epochs: int | None = option("Schedule", "passes over the training split", ge=1)
    max_steps: int | None = option("Schedule", "optimiser steps; takes precedence over epochs", ge=1)
    time_limit: float | None = option("Schedule", "seconds within which the whole schedule ends", gt=0)
    schedule: Schedule | None = option("Schedule", "course of the learning rate")
    warmup: float | None = option("Schedule", "share of the steps over which the learning rate rises", ge=0, lt=1)
    decay_factor: float = option("Schedule", "factor of `step` and `reduce_on_plateau`", 0.1, gt=0, lt=1)
    decay_every: float = option("Schedule", "share of the steps between two decays of `step`", 0.3, gt=0, le=1)
    plateau_patience: int = option("Schedule", "evaluations without progress before `reduce_on_plateau` acts", 3, ge=1)

    # Regularisation
    dropout: float | None = option("Regularisation", "share of units that are switched off", ge=0, lt=1)
    word_dropout: float | None = option(
        "Regularisation", "share of a text's tokens that training takes for unknown", ge=0, lt=1
    )
    augment: list[str] | None = option(
        "Regularisation", "flip, shift, crop, cutout, colour, mixup, cutmix, progressive; or none"
    )
    mirror: bool | None = option("Regularisation", "average the prediction of an image and of its mirror image")
    ema: float | None = option("Regularisation", "decay of the moving average of the weights; 0 is off", ge=0, lt=1)
    early_stopping: int | None = option(
        "Regularisation", "evaluations without progress before it stops; 0 is off", ge=0
    )
    monitor: str | None = option("Regularisation", "validation metric that decides which weights are best")

    # Engine
    seed: int = option("Engine", "seed of everything random", 0, ge=0, lt=2**31)
    device: str = option("Engine", "auto, cpu, cuda, cuda:1, mps", "auto")
    precision: Literal["auto", "float32", "bfloat16", "float16"] = option("Engine", "arithmetic of the step", "auto")
    plan: str = option("Engine", "auto: measure the fastest execution; off; or the plan.json of another run", "auto")
    preflight: bool = option("Engine", "examine data and set-up for a few seconds before the training", True)
    doctor: bool = option("Engine", "watch the training and name what goes wrong", True)
    treat: Literal["auto", "ask", "off"] = option(
        "Engine",
        "what to do with what the doctor finds: try remedies and keep what helps, ask first, or only say it",
        "auto",
    )
    treat_budget: float = option(
        "Engine", "steps that trials of remedies may take, as a share of the run's", 0.5, ge=0, le=10
    )
    evaluate_every: int | None = option("Engine", "steps between two evaluations", ge=1)
    checkpoint_every: int | None = option("Engine", "steps between two checkpoints", ge=1)
    log_every: int = option("Engine", "steps between two lines of the journal", 10, ge=1)
    out: str | None = option("Engine", "folder of the run; a new one under runs/ if not given")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.augment and "none" in self.augment and len(self.augment) > 1:
            raise ValueError("augment: `none` cannot be combined with others")
        if (self.valid_fraction or 0) + (self.test_fraction or 0) >= 1:
            raise ValueError("valid_fraction and test_fraction leave nothing to train on")
        if self.pretrained is None and (self.freeze or self.unfreeze or self.lora or self.layer_decay not in (None, 1)):
            raise ValueError("freeze, unfreeze, layer_decay and lora are for a network that --pretrained names")
        return self


def nearest(name: str, known: list[str]) -> str:
    """Return ` Did you mean ...?` for the known name most like `name`, or nothing.

    >>> nearest("epoch", ["epochs", "seed"])
    ' Did you mean `epochs`?'
    """
    found = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f" Did you mean `{found[0]}`?" if found else ""


def make_config(base: dict[str, Any] | None = None, where: str = "", **options: Any) -> Config:
    """Return the checked Config of `base` (a YAML file's content) overridden by `options`.

    Raises UserError naming the option, what is wrong with it and the nearest known name.
    """
    merged = {**(base or {}), **options}
    try:
        return Config(**merged)
    except ValidationError as error:
        raise UserError(where + _explain(error)) from None


def _explain(error: ValidationError) -> str:
    first = error.errors()[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    if first["type"] == "extra_forbidden":
        return f"unknown option `{name}`.{nearest(name, list(Config.model_fields))}"
    message = first["msg"].removeprefix("Value error, ")
    if not name:
        return message
    return f"option `{name}` cannot be {first['input']!r}: {message[0].lower()}{message[1:]}"


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the options in a YAML file; raises UserError where it is missing or not a mapping."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}). Give the path of a YAML file.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: is not YAML ({' '.join(str(error).split())}).") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UserError(f"{path}: must hold `option: value` lines, not a {type(content).__name__}.")
    return {str(key): value for key, value in content.items()}


def write_yaml(config: Config) -> str:
    """Return the config as YAML text, complete, in the schema's order."""
    return yaml.safe_dump(config.model_dump(), sort_keys=False, allow_unicode=True)


def cache_folder() -> Path:
    """Return the folder for what can be computed again: decoded images, remembered plans."""
    base = os.environ.get("CONVERGENT_CACHE") or os.environ.get("XDG_CACHE_HOME")
    return Path(base).expanduser() / "convergent" if base else Path.home() / ".cache" / "convergent"
