"""The doctor for any loop: `with Doctor(model, optimizer) as doctor: ... doctor.step(loss)`."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType

import torch
from torch import Tensor, nn

from convergent.doctor.diagnose import diagnose
from convergent.doctor.watch import Watch
from convergent.types import Finding, UserError


class Doctor:
    """Watches a training loop and says what is wrong with it, without changing a number of it.

    model       the network, wrapped or compiled as it may be
    optimizer   one optimiser or several
    After the `with` block `findings` holds what was found, causes first. Raises UserError for a model without
    parameters.

    >>> model = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> with Doctor(model, optimizer) as doctor:
    ...     for _ in range(3):
    ...         x, y = torch.randn(16, 2), torch.randn(16, 1)
    ...         optimizer.zero_grad()
    ...         loss = nn.functional.mse_loss(model(x), y)
    ...         loss.backward()
    ...         optimizer.step()
    ...         doctor.step(loss)
    >>> [finding.code for finding in doctor.findings if finding.severity == "critical"]
    []
    """

    def __init__(
        self, model: nn.Module, optimizer: torch.optim.Optimizer | Sequence[torch.optim.Optimizer] | None = None
    ) -> None:
        if next(model.parameters(), None) is None:
            raise UserError(f"{type(model).__name__} has no parameters: there is nothing to train or to watch.")
        self._watch = Watch()
        self._watch.add_model(model)
        several = optimizer if isinstance(optimizer, Sequence) else [optimizer] if optimizer is not None else []
        for one in several:
            self._watch.add_optimizer(one)
        self.findings: list[Finding] = []

    def __enter__(self) -> Doctor:
        return self

    def step(self, loss: Tensor | float) -> None:
        """Tell the doctor that a step was made, and its loss."""
        self._watch.note_loss(loss)

    def close(self) -> list[Finding]:
        """Take the hooks off, examine what was seen, and return the findings."""
        if not self._watch.closed:
            self._watch.close()
            self.findings = diagnose(self._watch)
        return self.findings

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
