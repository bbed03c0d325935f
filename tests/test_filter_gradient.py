"""Gradients of filters on the joined batch are torch's own up to rounding, and what they are not for is left alone."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from convergent.engine.filter_gradient import JoinedFilterGradients

SIDES = st.integers(3, 9)


def gradients(layer: nn.Module, images_BCHW: Tensor, dtype: torch.dtype | None) -> list[Tensor]:
    """Return outputs and gradients of a sum of squares, with `dtype` on the joined batch."""
    images_BCHW = images_BCHW.clone().requires_grad_()
    layer.zero_grad()
    if dtype is None:
        outputs = layer(images_BCHW)
    else:
        with JoinedFilterGradients(dtype):
            outputs = layer(images_BCHW)
    outputs.float().square().sum().backward()
    found = [images_BCHW.grad, *(parameter.grad for parameter in layer.parameters())]
    return [outputs.detach().float(), *(gradient.clone() for gradient in found if gradient is not None)]


@given(st.integers(8, 12), SIDES, SIDES, st.sampled_from([(3, 1), (3, 0), (2, 0), (3, (0, 1))]), st.booleans())
@settings(deadline=None, max_examples=30)
def test_gradients_are_torchs_own_up_to_rounding(batch, height, width, filters, bias):
    torch.manual_seed(batch * height + width)
    kernel, padding = filters
    layer = nn.Conv2d(16, 17, kernel, padding=padding, bias=bias)
    images_BCHW = torch.randn(batch, 16, height, width)
    expected, found = gradients(layer, images_BCHW, None), gradients(layer, images_BCHW, torch.float32)
    assert len(expected) == len(found) == 3 + bias
    for one, other in zip(expected, found, strict=True):
        torch.testing.assert_close(other, one, rtol=1e-4, atol=1e-4 * float(one.abs().max()))


def test_in_bfloat16_it_computes_what_autocast_computes():
    torch.manual_seed(0)
    layer, images_BCHW = nn.Conv2d(32, 32, 3, padding=1), torch.randn(16, 32, 7, 7)
    with torch.autocast("cpu", torch.bfloat16):
        expected, found = (gradients(layer, images_BCHW, dtype) for dtype in (None, torch.bfloat16))
    for one, other in zip(expected, found, strict=True):
        assert (one - other).abs().max() < 0.02 * one.abs().max()


def test_a_frozen_input_or_filter_gets_no_gradient():
    layer, images_BCHW = nn.Conv2d(16, 16, 3, padding=1), torch.randn(8, 16, 5, 5)
    with JoinedFilterGradients(torch.float32):
        layer(images_BCHW).sum().backward()
        assert layer.weight.grad is not None and images_BCHW.grad is None
        layer.requires_grad_(False)
        assert not layer(images_BCHW).requires_grad


def test_what_it_is_not_for_stays_torchs_own():
    images_BCHW = torch.randn(8, 16, 9, 9)
    layers = [
        nn.Conv2d(16, 16, 3, stride=2), nn.Conv2d(16, 16, 3, dilation=2), nn.Conv2d(16, 16, 3, groups=4),
        nn.Conv2d(16, 16, 3, padding="same"), nn.Conv2d(16, 16, 1), nn.Conv2d(16, 4, 3),
    ]  # fmt: skip
    with JoinedFilterGradients(torch.float32):
        for layer in layers:
            assert "Convolution" in type(layer(images_BCHW).grad_fn).__name__
        joined, wide = nn.Conv2d(16, 16, 3, bias=False), torch.randn(8, 16, 9, 30)
        assert "ConvolutionBackward0" in type(joined(wide).grad_fn).__name__
        assert "ConvolutionBackward0" in type(joined(images_BCHW[:2]).grad_fn).__name__
        assert "ConvolutionBackward0" not in type(joined(images_BCHW).grad_fn).__name__
        with torch.no_grad():
            assert joined(images_BCHW).grad_fn is None


def test_a_forward_hook_and_a_copy_of_the_model_work_as_before():
    layer, seen = nn.Conv2d(16, 16, 3), []
    layer.register_forward_hook(lambda _layer, _inputs, output: seen.append(output.shape))
    with JoinedFilterGradients(torch.float32):
        layer(torch.randn(8, 16, 5, 5))
    assert seen == [(8, 16, 3, 3)]
    assert type(layer) is nn.Conv2d
