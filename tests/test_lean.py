"""Functions whose backward pass is written by hand: as torch's own operations, to the second derivative."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from convergent.models.lean import mixed_with_before, rms_normed, squared_relu
from convergent.models.transformer import attended, rotary_table, rotated


def numbers(*shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(*shape, dtype=torch.float64, generator=generator).requires_grad_()


@pytest.mark.parametrize("function", [squared_relu, rms_normed])
def test_gradients_of_one_input(function):
    assert torch.autograd.gradcheck(function, numbers(2, 3, 4))
    assert torch.autograd.gradgradcheck(function, numbers(2, 3, 4))


@pytest.mark.parametrize("length", [1, 2, 3, 5])
def test_gradients_of_mixing(length):
    inputs = numbers(2, length, 3), numbers(3, 3)
    assert torch.autograd.gradcheck(mixed_with_before, inputs)
    assert torch.autograd.gradgradcheck(mixed_with_before, inputs)


@given(st.integers(1, 7), st.integers(1, 4))
def test_mixing_is_a_causal_convolution_of_each_feature(length, kept):
    x, scale = numbers(2, length, 5), numbers(kept, 5)
    expected = F.conv1d(F.pad(x.mT, (kept - 1, 0)), scale.T[:, None], groups=5).mT
    assert torch.allclose(mixed_with_before(x, scale), expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_precision_is_the_inputs(dtype):
    x = numbers(2, 3, 4).detach().to(dtype).requires_grad_()
    scale = torch.ones(3, 4, requires_grad=True)
    normed = rms_normed(mixed_with_before(squared_relu(x), scale))
    assert normed.dtype == dtype
    normed.sum().backward()
    assert x.grad is not None and x.grad.dtype == dtype
    assert scale.grad is not None and scale.grad.dtype == torch.float32


def test_rotation_turns_pairs_of_features_by_the_place():
    x = numbers(1, 4, 1, 6)
    cosine, sine = (part.double() for part in rotary_table(4, 6))
    pairs = torch.complex(*x.chunk(2, -1))
    angles = torch.complex(cosine[..., :3], sine[..., 3:])
    turned = pairs * angles
    assert torch.allclose(rotated(x, cosine, sine), torch.cat([turned.real, turned.imag], -1))


@pytest.mark.parametrize("causal", [True, False])
def test_attention_of_short_texts_in_bfloat16_is_torchs(causal):
    query, key, value = (numbers(2, 3, 8, 4).detach().bfloat16() for _ in range(3))
    mask = None if causal else torch.arange(8)[None, None, None] < torch.tensor([5, 8])[:, None, None, None]
    plain = F.scaled_dot_product_attention(query, key, value, mask, is_causal=causal)
    assert torch.allclose(attended(query, key, value, mask, causal=causal).float(), plain.float(), atol=0.03)
