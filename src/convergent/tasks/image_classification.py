"""Say which of several classes an image shows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn

from convergent.config import Config
from convergent.data.arrays import looks_like_images, npz_shapes
from convergent.data.augment import make_augment
from convergent.data.image_table import path_column
from convergent.data.images import ImageFeatures, ImageSamples, load_images, png, read_images
from convergent.data.source import Source
from convergent.losses import make_loss
from convergent.models.cnn import Cnn, num_stages, stem_stride
from convergent.models.image_mlp import ImageMLP
from convergent.models.normalized import Normalized
from convergent.models.pretrained import check_backbone, make_backbone
from convergent.task import Augment, Task
from convergent.tasks import _classification
from convergent.tasks._image_size import epochs_in, operations, speed_here, widest
from convergent.types import DataSpec, Panel, Recognition, Samples, Splits, UserError

NAME = "image-classification"
MODELS = {
    "cnn": "convolutional network sized by the data",
    "mlp": "multilayer perceptron on the pixels",
}
PEAK_RATES = {
    "adam": 1e-3, "adamw": 1e-3, "muon": 0.06, "rmsprop": 5e-4, "adagrad": 1e-2, "sgd": 5e-2, "gradient_descent": 0.1,
}  # fmt: skip
MUON_BATCH = 256
TURN = 1.0  # radians, of a filter by random steps over the whole training
PIXELS_SEEN = 1_000_000_000  # over all epochs, within FEWEST and MOST epochs
FEWEST_EPOCHS, MOST_EPOCHS = 10, 30
LONGER = 3  # times as many at most where a time is given, and the machine makes them within it
EXAMPLES = 24
LABEL_SMOOTHING = 0.1
MLP_WIDTH = 512
WIDTHS = {1: 32, 3: 64}  # of the first stage of the cnn: grey images say less


def recognise(source: Source, config: Config) -> Recognition | None:
    """Return why the source holds images with classes, or None."""
    if source.kind == "class_folders":
        return Recognition(0.9, "each class has a folder of images")
    if source.kind == "idx":
        return Recognition(0.9, "IDX files of images and labels")
    if source.kind == "npz":
        shapes = npz_shapes(source.parts["all"][0])
        found = [name for name in ("x_train", "x") if name in shapes and looks_like_images(shapes[name])]
        return Recognition(0.9, f"array `{found[0]}` has the shape of images") if found else None
    if source.kind == "table":
        column = path_column(source, config)
        return Recognition(0.95, f"column `{column}` holds paths of images") if column else None
    return None


def load(source: Source, config: Config) -> Splits:
    """Return the images' splits; raises UserError where they have one class, far too many, or cannot be read."""
    return load_images(source, config, NAME)


def is_symmetric(features: ImageFeatures, classes: Sequence[str]) -> bool:
    """Return whether a mirror image still shows the same class: a shoe does, a digit does not.

    Measured: mirrored images are nearly as near to their class's mean. Classes named by single characters may be
    characters; they are taken for such unless the measure is clear (class means say little of photographs).
    """
    may_be_characters = all(len(name) == 1 for name in classes)
    clear = features.upright_accuracy > 3 / len(classes)
    unharmed = features.mirrored_accuracy > 0.75 * features.upright_accuracy
    return (clear and unharmed) or (not clear and not may_be_characters)


def choose_augment(features: ImageFeatures, classes: Sequence[str], model: str) -> list[str]:
    """Return the names of the augmentations that suit the images; an MLP can only take images of one size."""
    large = min(features.height, features.width) > 96
    sizes = [] if model == "mlp" else ["progressive"]
    return ["flip"] * is_symmetric(features, classes) + ["crop" if large else "shift", *sizes]


def choose_epochs(features: ImageFeatures, num_images: int, *, timed: bool = False) -> int:
    """Return passes over the data: many over few small images, few over many large ones.

    timed  a time is given, which then decides: a machine that is fast enough makes several times as many
    """
    pixels = num_images * features.height * features.width
    epochs = min(MOST_EPOCHS, max(FEWEST_EPOCHS, PIXELS_SEEN // pixels))
    return epochs * LONGER if timed else epochs


def choose_width(config: Config, features: ImageFeatures, num_images: int, model: str) -> int:
    """Return the units of an mlp's layers, or the channels of a cnn's first stage: more where the time is long."""
    if model == "mlp":
        return MLP_WIDTH
    usual = WIDTHS[features.channels]
    if model not in MODELS or config.time_limit is None:
        return usual
    size, speed = (features.height, features.width), speed_here(config.device)
    return widest(usual, size, features.channels, num_images, config.time_limit, speed)


def expected_epochs(config: Config, features: ImageFeatures, num_images: int, model: str, width: int) -> float:
    """Return about how many passes over the data the training will make: as many as there is time for, or asked for."""
    most = config.epochs or choose_epochs(features, num_images, timed=bool(config.time_limit))
    if config.time_limit is None:
        return most
    if model != "cnn":
        return min(most, choose_epochs(features, num_images))
    cost = operations((features.height, features.width), features.channels, width)
    return min(most, max(1.0, epochs_in(config.time_limit, speed_here(config.device), num_images, cost)))


def peak_rate(optimizer: str, batch_size: int, steps: float) -> float:
    """Return the peak learning rate: Muon's for batches of 256, and by the square root of their size for others.

    The noise of a normalised step falls with the square root of the batch: Malladi et al. 2022,
    https://arxiv.org/abs/2205.10287. Muon's filters keep their norm and the rate is the angle of a step, so that steps
    in random directions turn them by rate * sqrt(steps), and the more there are, the shorter each may be (Kosson et al.
    2023, https://arxiv.org/abs/2305.17212). A momentum m makes it sqrt((1 + m) / (1 - m)) times as far: 200 steps of
    airbench94 at 0.24 with m = 0.6 come to TURN at our m = 0.95.

    >>> peak_rate("muon", 64, 100), peak_rate("muon", 256, 10_000), peak_rate("adamw", 64, 100)
    (0.03, 0.01, 0.001)
    """
    rate = PEAK_RATES[optimizer]
    return min(rate * math.sqrt(batch_size / MUON_BATCH), TURN / math.sqrt(steps)) if optimizer == "muon" else rate


def defaults(spec: DataSpec, config: Config) -> Config:
    """Return the config with every None that images need decided from the data; what the user set stays.

    Raises UserError for an unknown network, and for options that have no meaning here.
    """
    _refuse_foreign(config)
    features = ImageFeatures(**spec.features)
    size = (features.height, features.width)
    num_images, classes = spec.sizes["train"], spec.classes or []
    model = config.model or "cnn"
    optimizer = config.optimizer or ("muon" if model == "cnn" else "adamw")
    batch_size = config.batch_size or min(256, max(32, 2 ** round(math.log2(max(1, num_images) / 100))))
    width = config.width or choose_width(config, features, num_images, model)
    steps = config.max_steps or math.ceil(
        expected_epochs(config, features, num_images, model, width) * num_images / batch_size
    )
    sigmoid = config.loss == "binary_cross_entropy" or config.output == "sigmoid"
    decided: dict[str, Any] = {
        "task": NAME,
        "model": model,
        "activation": "gelu" if model == "cnn" else "relu",
        "width": width,
        "depth": 2 if model == "mlp" else num_stages(size, stem_stride(size)),
        "dropout": 0.2 if model == "mlp" else 0.0,
        "loss": "binary_cross_entropy" if sigmoid else "cross_entropy",
        "output": "sigmoid" if sigmoid else "softmax",
        "label_smoothing": 0.0 if sigmoid else LABEL_SMOOTHING,
        "optimizer": optimizer,
        "learning_rate": peak_rate(optimizer, batch_size, steps),
        "beta2": 0.999,
        "weight_decay": 0.01 if config.pretrained is None else 1e-4,
        "batch_size": batch_size,
        "epochs": None if config.max_steps else choose_epochs(features, num_images, timed=bool(config.time_limit)),
        "schedule": "linear" if optimizer == "muon" else "one_cycle",
        "warmup": 0.02 if optimizer == "muon" else 0.15,
        "mirror": is_symmetric(features, classes) and model == "cnn",
        "augment": choose_augment(features, classes, model),
        "ema": 0.0,
        "early_stopping": 0,
        "monitor": "accuracy",
    }
    chosen = config.model_copy(update={name: value for name, value in decided.items() if getattr(config, name) is None})
    make_augment(chosen.augment or [], len(classes))
    return chosen


def _refuse_foreign(config: Config) -> None:
    """Raise UserError for an unknown network, and for options that images or the network would ignore."""
    if config.model is not None and config.model not in MODELS:
        check_backbone(config.model, list(MODELS))
        for name in ("width", "depth", "activation", "dropout"):
            if getattr(config, name) is not None:
                raise UserError(f"--{name} is for {' and '.join(MODELS)}; `{config.model}` of timm has its own.")
    elif config.pretrained is not None:
        raise UserError(f"--pretrained needs a backbone of timm: --model resnet18, say; not {config.model or 'cnn'}.")
    if config.ensemble is not None:
        raise UserError("--ensemble is for tables. Leave it away.")
    if config.freeze or config.unfreeze or config.lora or config.layer_decay:
        raise UserError("--freeze, --unfreeze, --layer-decay and --lora are for texts. Leave them away.")
    for name in ("categorical", "numeric", "drop"):
        if getattr(config, name):
            raise UserError(f"--{name} is for tables. Leave it away.")


def build(spec: DataSpec, config: Config) -> nn.Module:
    """Return the network: raw images (B, C, H, W) uint8 -> logits (B, num_classes)."""
    features = ImageFeatures(**spec.features)
    size = (features.height, features.width)
    num_classes = len(spec.classes or [])
    if config.model not in MODELS:
        backbone = make_backbone(str(config.model), features.channels, num_classes, size, config.pretrained)
        return Normalized(features.mean, features.std, backbone, bool(config.mirror), config.output == "sigmoid")
    assert config.width and config.depth and config.activation and config.dropout is not None
    common: dict[str, Any] = {
        "width": config.width,
        "depth": config.depth,
        "activation": config.activation,
        "dropout": config.dropout,
    }
    net: nn.Module
    if config.model == "mlp":
        net = ImageMLP(features.channels, num_classes, size, **common)
    else:
        net = Cnn(features.channels, num_classes, size, **common, patch_covariance=features.patch_covariance)
    return Normalized(features.mean, features.std, net, bool(config.mirror), config.output == "sigmoid")


def augment(spec: DataSpec, config: Config) -> Augment | None:
    """Return the augmentation of a training batch, or None."""
    return make_augment(config.augment or [], len(spec.classes or []))


def loss(spec: DataSpec, config: Config) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the loss of logits (B, C) and class ids (B) or probabilities (B, C)."""
    return make_loss(config, len(spec.classes or []), (spec.class_counts or {}).get("train"))


def draw(samples: Samples, logits_BC: Tensor, targets_B: Tensor, spec: DataSpec) -> Sequence[Panel]:
    """Return examples, confusion, calibration, and the most confident mistakes as pictures."""
    classes = spec.classes or []
    panels = _classification.classification_panels(logits_BC, targets_B, classes)
    mistakes = mistakes_gallery(samples, logits_BC, targets_B, classes)
    return [examples_gallery(samples, targets_B, classes), *panels, mistakes]


def examples_gallery(samples: Samples, targets_B: Tensor, classes: Sequence[str]) -> Panel:
    """Return pictures of as many classes as fit, the same number of each."""
    each = max(1, EXAMPLES // len(classes))
    items = [
        {"png": png(samples, index), "caption": name, "detail": samples.name(index)}
        for code, name in enumerate(classes[:EXAMPLES])
        for index in (targets_B == code).nonzero().flatten()[:each].tolist()
    ]
    note = "As the network gets them, before augmentation."
    return Panel(kind="gallery", section="data", title="Examples", note=note, data={"items": items})


def mistakes_gallery(samples: Samples, logits_BC: Tensor, targets_B: Tensor, classes: Sequence[str]) -> Panel:
    """Return pictures of the wrong predictions, the most confident first."""
    probabilities_BC = logits_BC.float().softmax(1)
    confidence_B, predicted_B = probabilities_BC.max(1)
    items = []
    for index in _classification.most_confident_mistakes(probabilities_BC, targets_B):
        true, said = classes[int(targets_B[index])], classes[int(predicted_B[index])]
        caption = f"true: {true} / said: {said} {confidence_B[index]:.2f}"
        items.append({"png": png(samples, index), "caption": caption, "detail": samples.name(index)})
    return Panel(kind="gallery", section="mistakes", title="Most confident mistakes", data={"items": items})


def read(source: Source, spec: DataSpec, config: Config) -> ImageSamples:
    """Return new images by the statistics of `spec`; class id -1 where the source has no labels."""
    return read_images(source, spec, config)


TASK = Task(
    name=NAME,
    summary="say which of several classes an image shows",
    models=MODELS,
    recognise=recognise,
    load=load,
    read=read,
    defaults=defaults,
    build=build,
    loss=loss,
    augment=augment,
    metric=_classification.metric,
    metrics=_classification.metrics,
    baseline=_classification.baseline,
    decode=_classification.decode_likeliest,
    draw=draw,
)
