"""Several networks that see the same batches, each with weights and dropout of its own, and answer together.

Hansen and Salamon 1990; Lakshminarayanan et al. 2017, https://arxiv.org/abs/1612.01474. Where data are few, a network
owes much of its error to the chance of its start, and the mean of several does not.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from convergent.models.tabm import combine


class Ensemble(nn.Module):
    """Inputs of its members -> logits (B, K, C) of each in training, those of their mean probability (B, C) otherwise.

    output  softmax or sigmoid: what makes probabilities of logits
    """

    def __init__(self, members: Sequence[nn.Module], output: str) -> None:
        super().__init__()
        self.members, self.output = nn.ModuleList(members), output

    def forward(self, *inputs: Tensor) -> Tensor:
        """Return the logits."""
        logits_BKC = torch.stack([member(*inputs) for member in self.members], 1)
        return logits_BKC if self.training else combine(logits_BKC.float(), self.output)
