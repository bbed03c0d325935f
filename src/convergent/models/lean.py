"""Parts of a Transformer between its matrix products, with backward passes written by hand.

Autograd takes each operation's gradient by itself; on a CPU these passes over the memory cost more than the matrix
products in bfloat16 do. Each function here keeps its input alone and computes the same in fewer passes, in its input's
precision. Written of differentiable operations, so that second derivatives are right too. Without gradients the plain
operations run: for a single token autograd's wrapper takes longer than they do.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

EPSILON = torch.finfo(torch.float32).eps


def squared_relu(x: Tensor) -> Tensor:
    """Return max(x, 0) squared, So et al. 2021, https://arxiv.org/abs/2109.08668.

    >>> squared_relu(torch.tensor([-1.0, 3.0]))
    tensor([0., 9.])
    """
    if not torch.is_grad_enabled():
        return x.relu().square_()
    squared: Tensor = _SquaredReLU.apply(x)
    return squared


def rms_normed(x: Tensor) -> Tensor:
    """Return features divided by their root mean square over the last dimension (Zhang and Sennrich 2019).

    >>> rms_normed(torch.tensor([3.0, -3.0])).round(decimals=3)
    tensor([ 1., -1.])
    """
    if not torch.is_grad_enabled():
        return x * _inverse_rms(x)
    normed: Tensor = _RmsNormed.apply(x)
    return normed


def mixed_with_before(x_BTD: Tensor, scale_KD: Tensor) -> Tensor:
    """Return each token's features times the last row of scales, and those of the K - 1 before it times the others.

    A convolution over the text for each feature by itself: So et al. 2021, https://arxiv.org/abs/2109.08668.

    >>> mixed_with_before(torch.tensor([[[1.0], [2.0]]]), torch.tensor([[10.0], [1.0]])).flatten()
    tensor([ 1., 12.])
    """
    mixed_BTD: Tensor = _MixedWithBefore.apply(x_BTD, scale_KD)
    return mixed_BTD


class _SquaredReLU(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.relu().square_()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        grad_x: Tensor = (x.relu() * grads[0]).mul_(2)
        return grad_x


class _RmsNormed(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        normed: Tensor = x * _inverse_rms(x)
        return normed

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (x,), (grad,) = ctx.saved_tensors, grads
        scale = _inverse_rms(x)
        normed = x * scale
        along = (grad * normed).mean(-1, keepdim=True)
        grad_x: Tensor = (grad - normed * along).mul_(scale)
        return grad_x


def _inverse_rms(x: Tensor) -> Tensor:
    length = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=torch.promote_types(x.dtype, torch.float32))
    inverse: Tensor = (length.square() / x.shape[-1] + EPSILON).rsqrt().to(x.dtype)
    return inverse


class _MixedWithBefore(Function):
    @staticmethod
    def forward(ctx: Any, x_BTD: Tensor, scale_KD: Tensor) -> Tensor:
        ctx.save_for_backward(x_BTD, scale_KD)
        scales = scale_KD.to(x_BTD.dtype).flip(0)
        mixed_BTD = x_BTD * scales[0]
        for back in range(1, len(scales)):
            mixed_BTD[:, back:].addcmul_(x_BTD[:, :-back], scales[back])
        return mixed_BTD

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor]:
        (x_BTD, scale_KD), (grad_BTD,) = ctx.saved_tensors, grads
        scales = scale_KD.to(x_BTD.dtype).flip(0)
        grad_x = grad_BTD * scales[0]
        of_scales = [(grad_BTD * x_BTD).sum((0, 1))]
        for back in range(1, len(scales)):
            grad_x[:, :-back].addcmul_(grad_BTD[:, back:], scales[back])
            of_scales.append((grad_BTD[:, back:] * x_BTD[:, :-back]).sum((0, 1)))
        return grad_x, torch.stack(of_scales).flip(0).to(scale_KD.dtype)
