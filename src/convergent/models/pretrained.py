"""Image backbones of timm by name, fresh, with their published weights, or with those of a safetensors file.

Wightman 2019, https://github.com/huggingface/pytorch-image-models
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor, nn

from convergent.config import nearest
from convergent.types import UserError


def check_backbone(name: str, ours: list[str]) -> None:
    """Raise UserError where timm has no backbone `name`, with the nearest of timm's names and `ours`."""
    import timm  # takes seconds, and few runs need it

    if not timm.is_model(name):
        suggestion = nearest(name, [*ours, *timm.list_models()])
        raise UserError(f"--model {name}: there is no such network.{suggestion} {', '.join(ours)}, or a name of timm.")


def make_backbone(
    name: str, in_channels: int, num_classes: int, image_size: tuple[int, int], weights: str | None
) -> nn.Module:
    """Return timm's backbone with a new last layer: images (B, C, H, W) -> logits (B, num_classes).

    weights   `timm` for the published ones, the path of a safetensors file, or None.
    Raises UserError where weights cannot be had or do not fit.
    """
    if weights not in (None, "timm") and Path(str(weights)).suffix != ".safetensors":
        raise UserError(f"--pretrained {weights}: give `timm`, or a .safetensors file (other formats can run code).")
    options: dict[str, Any] = {"in_chans": in_channels, "num_classes": num_classes, "pretrained": weights == "timm"}
    try:
        model = _create(name, image_size, options)
    except (OSError, RuntimeError, ImportError) as error:
        why = " ".join(str(error).split())[:160]
        raise UserError(f"--model {name}: cannot be made for {image_size} pixels or fetched ({why}).") from None
    if weights not in (None, "timm"):
        load_weights(model, Path(str(weights)))
    return model


def _create(name: str, image_size: tuple[int, int], options: dict[str, Any]) -> nn.Module:
    """Create the model; transformers must be told the image's size, convolutional networks do not know the option."""
    import timm

    try:
        model: nn.Module = timm.create_model(name, img_size=image_size, **options)
    except TypeError:
        model = timm.create_model(name, **options)
    return model


def load_weights(model: nn.Module, path: Path) -> None:
    """Load a safetensors file into a timm model; its last layer stays new where the classes differ.

    Raises UserError where the file cannot be read or any other tensor does not fit.
    """
    try:
        stored = safetensors.torch.load_file(path)
    except (OSError, SafetensorError) as error:
        raise UserError(f"--pretrained {path}: cannot be read ({str(error).splitlines()[0]}).") from None
    own = model.state_dict()
    head = str(getattr(model, "pretrained_cfg", {}).get("classifier", "fc"))
    fitting = {name: _fit(tensor, own[name]) for name, tensor in stored.items() if name in own}
    wrong = [
        name
        for name, tensor in own.items()
        if not name.startswith(head) and (name not in fitting or fitting[name].shape != tensor.shape)
    ]
    if wrong:
        raise UserError(f"--pretrained {path}: does not fit this model: `{wrong[0]}` and {len(wrong) - 1} more.")
    model.load_state_dict({name: tensor for name, tensor in fitting.items() if tensor.shape == own[name].shape}, False)


def _fit(stored: Tensor, own: Tensor) -> Tensor:
    """Return a first convolution for colours summed up for grey images; anything else as it is."""
    if stored.ndim == 4 and stored.shape[1] == 3 and own.shape[1:2] == (1,):
        return stored.sum(1, keepdim=True)
    return stored
