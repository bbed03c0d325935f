"""The gradient of filters over small images: the batch is joined into one wide image, which fills the matrix units.

The gradient of a filter is a sum over the positions of all images. oneDNN takes it row by row, and a matrix unit
multiplies 32 bfloat16 values at once, so that a row of seven pixels leaves most of it idle. With the batch laid
between the columns, (H, W, B, C) in memory, the same sum is that of one image of W * B columns under a filter that is
dilated by B: the same numbers up to rounding, and long rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.overrides import TorchFunctionMode

LONGEST_ROW = 12
"""Columns up to which an image's own rows leave most of the unit idle; the plan measures whether it pays."""
FEWEST_CHANNELS = 16
SMALLEST_BATCH = 8
NAMES = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
DEFAULTS = {"bias": None, "stride": 1, "padding": 0, "dilation": 1, "groups": 1}


def joined(images_BCHW: Tensor) -> Tensor:
    """Return the batch as one image, (1, C, H, W * B), channels last.

    >>> joined(torch.zeros(4, 3, 5, 7)).shape
    torch.Size([1, 3, 5, 28])
    """
    batch, channels, height, width = images_BCHW.shape
    return images_BCHW.permute(2, 3, 0, 1).reshape(height, width * batch, channels).permute(2, 0, 1)[None]


class _Convolution(torch.autograd.Function):
    """torch's convolution of stride 1, with the gradient of its filters taken on the joined batch."""

    @staticmethod
    def forward(ctx: Any, images_BCHW: Tensor, filters: Tensor, padding: tuple[int, int]) -> Tensor:
        ctx.save_for_backward(images_BCHW, filters)
        ctx.padding = padding
        return F.conv2d(images_BCHW, filters, padding=padding)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient_BKHW: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        images_BCHW, filters = ctx.saved_tensors
        batch, (rows, columns) = len(images_BCHW), ctx.padding
        of_images = of_filters = None
        if ctx.needs_input_grad[0]:
            of_images = _backward(gradient_BKHW, images_BCHW, filters, (rows, columns), (1, 1), 0)
        if ctx.needs_input_grad[1]:
            places = (joined(gradient_BKHW), joined(images_BCHW))
            of_filters = _backward(*places, filters, (rows, columns * batch), (1, batch), 1)
        return of_images, of_filters, None


def _backward(
    gradient: Tensor, images: Tensor, filters: Tensor, padding: Sequence[int], dilation: Sequence[int], which: int
) -> Tensor:
    wanted = [place == which for place in range(3)]
    found: Tensor = torch.ops.aten.convolution_backward(
        gradient, images, filters, None, [1, 1], padding, dilation, False, [0, 0], 1, wanted
    )[which]
    return found


def _pair(value: int | Sequence[int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[-1])


def suits(images_BCHW: Tensor, filters: Tensor, said: dict[str, Any]) -> bool:
    """Return whether joining the batch pays for this convolution, and can be done: stride 1, no groups, short rows."""
    plain = _pair(said["stride"]) == _pair(said["dilation"]) == (1, 1) and said["groups"] == 1
    if not plain or isinstance(said["padding"], str) or not filters.requires_grad or images_BCHW.ndim != 4:
        return False
    batch, channels, _, width = images_BCHW.shape
    large = batch >= SMALLEST_BATCH and min(channels, len(filters)) >= FEWEST_CHANNELS
    return large and 1 < filters.shape[-1] <= width <= LONGEST_ROW


class JoinedFilterGradients(TorchFunctionMode):
    """Within it a convolution of small images takes its filters' gradient on the joined batch, in `dtype`."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call `func`, or what stands for it."""
        kwargs = kwargs or {}
        if func is not F.conv2d:
            return func(*args, **kwargs)
        said = {**DEFAULTS, **dict(zip(NAMES, args, strict=False)), **kwargs}
        images_BCHW, filters, bias = said["input"], said["weight"], said["bias"]
        if not torch.is_grad_enabled() or not suits(images_BCHW, filters, said):
            return func(*args, **kwargs)
        # Within a mode's function the mode is off: the convolution below is torch's own.
        tensors = (tensor.to(self.dtype) for tensor in (images_BCHW, filters))
        inputs = [tensor.contiguous(memory_format=torch.channels_last) for tensor in tensors]
        y_BKHW = _Convolution.apply(*inputs, _pair(said["padding"]))
        return y_BKHW if bias is None else y_BKHW + bias.to(self.dtype)[:, None, None]
