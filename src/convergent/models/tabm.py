"""TabM: an ensemble of MLPs that share nearly all weights (Gorishniy, Kotelnikov, Babenko 2024, arXiv 2410.24210).

BatchEnsemble (Wen, Tran, Ba 2020, arXiv 2002.06715) for tables: K members see the same batch, each scales a layer's
inputs and outputs by vectors of its own around one shared weight matrix. Averaging their predictions is what makes it
strong; each member is trained on its own loss.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from convergent.models.activations import initialise, make_activation
from convergent.models.embeddings import TableInput


class EnsembleLinear(nn.Module):
    """A linear layer of K members: `x_BKD -> y_BKE`, y = ((x * r_k) W) * s_k + b_k with the weights W shared.

    r and s start at 1: the members start to differ by the first layer's scales and by their heads.
    """

    def __init__(self, inputs: int, outputs: int, members: int) -> None:
        super().__init__()
        self.shared = nn.Linear(inputs, outputs, bias=False)
        self.scale_in = nn.Parameter(torch.ones(members, inputs))
        self.scale_out = nn.Parameter(torch.ones(members, outputs))
        self.bias = nn.Parameter(torch.zeros(members, outputs))

    def forward(self, x_BKD: Tensor) -> Tensor:
        """Return y (B, K, E)."""
        return torch.addcmul(self.bias, self.shared(x_BKD * self.scale_in), self.scale_out)


class EnsembleHead(nn.Module):
    """K separate linear layers: `x_BKD -> y_BKC`."""

    def __init__(self, inputs: int, outputs: int, members: int) -> None:
        super().__init__()
        bound = inputs**-0.5
        self.weight = nn.Parameter(torch.empty(members, inputs, outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(members, outputs))

    def forward(self, x_BKD: Tensor) -> Tensor:
        """Return y (B, K, C)."""
        return torch.einsum("bkd,kdc->bkc", x_BKD, self.weight) + self.bias


def combine(outputs_BKC: Tensor, output: str) -> Tensor:
    """Return the ensemble's prediction (B, C) from those of its members.

    softmax: the log of the mean probability; sigmoid: the logit of the mean probability; linear: the mean.

    >>> combine(torch.tensor([[[0.0, 0.0], [100.0, 0.0]]]), "softmax").exp()
    tensor([[0.7500, 0.2500]])
    """
    if output == "softmax":
        return outputs_BKC.log_softmax(2).logsumexp(1) - math.log(outputs_BKC.shape[1])
    if output == "sigmoid":
        log_on, log_off = nn.functional.logsigmoid(outputs_BKC), nn.functional.logsigmoid(-outputs_BKC)
        return log_on.logsumexp(1) - log_off.logsumexp(1)
    return outputs_BKC.mean(1)


class TabM(nn.Module):
    """The network: `(numeric_BF, categorical_BK) -> (B, K, C)` in training, `(B, C)` otherwise.

    source       what makes one vector of a row
    num_classes  C; None for a number, then the outputs are (B, K) and (B)
    output       softmax, sigmoid or linear: how the members' predictions are averaged
    """

    def __init__(
        self,
        source: TableInput,
        num_classes: int | None,
        *,
        output: str,
        width: int,
        depth: int,
        members: int,
        dropout: float,
        activation: str,
    ) -> None:
        super().__init__()
        self.source, self.output, self.single = source, output, num_classes is None
        layers: list[nn.Module] = []
        inputs = source.width
        for _ in range(depth):
            layers += [EnsembleLinear(inputs, width, members), make_activation(activation), nn.Dropout(dropout)]
            inputs = width
        self.hidden = nn.Sequential(*layers)
        initialise(self.hidden, activation)
        first = self.hidden[0]
        assert isinstance(first, EnsembleLinear)
        nn.init.normal_(first.scale_in)
        self.head = EnsembleHead(width, num_classes or 1, members)

    def forward(self, numeric_BF: Tensor, categorical_BK: Tensor) -> Tensor:
        """Return the members' outputs (B, K, C) in training, their combination (B, C) in evaluation."""
        x_BD = self.source(numeric_BF, categorical_BK)
        outputs_BKC = self.head(self.hidden(x_BD.unsqueeze(1)))
        outputs = outputs_BKC if self.training else combine(outputs_BKC.float(), self.output)
        return outputs.squeeze(-1) if self.single else outputs
