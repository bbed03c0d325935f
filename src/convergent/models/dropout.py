"""Dropout whose random numbers cost an eighth on a CPU: Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a

Beside small matrix products drawing a number for each unit takes a tenth of a step; a byte for each is enough.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

LEVELS = 256


class ByteDropout(nn.Dropout):
    """torch's Dropout; on a CPU the share is rounded to 1/256 and a byte is drawn for each unit.

    >>> torch.manual_seed(0) and ByteDropout(0.25)(torch.ones(4, 1000)).mean().round(decimals=1).item()
    1.0
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return the units that stay, scaled; in evaluation all as they are."""
        switched_off = round(self.p * LEVELS)
        if not self.training or x.device.type != "cpu" or not 0 < switched_off < LEVELS:
            return super().forward(x)
        words = torch.empty(-(-x.numel() // 8), dtype=torch.int64).random_(-(2**63), None)
        kept = (words.view(torch.uint8)[: x.numel()] >= switched_off).view(x.shape)
        return x * (kept.to(x.dtype) * (LEVELS / (LEVELS - switched_off)))
