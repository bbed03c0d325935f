"""Losses with a domain of their own: Kullback-Leibler on log-probabilities, Poisson on rates or their logarithms."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import convergent as cv

N, C = 480, 4
CODE = "setup/output-loss-mismatch"
Loss = Callable[[Tensor, Tensor], Tensor]


def found(loss: Loss, y: Tensor, width: int) -> list[str]:
    """Return the codes of 60 steps with this loss on the network's raw output."""
    torch.manual_seed(0)
    x = torch.randn(N, 6)
    model = nn.Sequential(nn.Linear(6, 24), nn.Tanh(), nn.Linear(24, width))
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    with cv.Doctor(model, optimizer) as doctor:
        for step in range(60):
            rows = torch.arange(step * 24, step * 24 + 24) % N
            optimizer.zero_grad()
            value = loss(model(x[rows]), y[rows])
            value.backward()
            optimizer.step()
            doctor.step(value)
    return [one.code for one in doctor.findings if one.severity != "info"]


def shares() -> Tensor:
    return torch.randn(N, C, generator=torch.Generator().manual_seed(1)).softmax(1)


def counts() -> Tensor:
    return torch.poisson(torch.full((N,), 3.0), generator=torch.Generator().manual_seed(1))


DIVERGENCES: dict[str, tuple[Loss, bool]] = {
    "probabilities": (lambda out, y: F.kl_div(out.softmax(-1), y, reduction="batchmean"), True),
    "logits, module": (nn.KLDivLoss(reduction="batchmean"), True),
    "log-probabilities": (lambda out, y: F.kl_div(out.log_softmax(-1), y, reduction="batchmean"), False),
    "logarithm of softmax": (lambda out, y: nn.KLDivLoss(reduction="sum")(out.softmax(1).log(), y), False),
    "logarithms on both sides": (
        lambda out, y: F.kl_div(out.log_softmax(1), y.log(), reduction="batchmean", log_target=True), False),
}  # fmt: skip
COUNTS: dict[str, tuple[Loss, bool]] = {
    "rate for logarithm, module": (lambda out, y: nn.PoissonNLLLoss()(out.exp().squeeze(1), y), True),
    "rate for logarithm, positional": (lambda out, y: F.poisson_nll_loss(out[:, 0].exp(), y, True), True),
    "negative rate": (lambda out, y: nn.PoissonNLLLoss(log_input=False)(out.squeeze(1), y), True),
    "rate": (lambda out, y: nn.PoissonNLLLoss(log_input=False)(out.exp().squeeze(1), y), False),
    "rate by softplus": (lambda out, y: F.poisson_nll_loss(F.softplus(out)[:, 0], y, False), False),
    "logarithm": (lambda out, y: nn.PoissonNLLLoss()(out.squeeze(1), y), False),
}


@pytest.mark.parametrize("name", DIVERGENCES)
def test_a_divergence_of_anything_but_log_probabilities(name: str) -> None:
    loss, fires = DIVERGENCES[name]
    assert (CODE in found(loss, shares(), C)) == fires


@pytest.mark.parametrize("name", COUNTS)
def test_a_poisson_loss_of_rates_and_logarithms(name: str) -> None:
    loss, fires = COUNTS[name]
    assert (CODE in found(loss, counts(), 1)) == fires
