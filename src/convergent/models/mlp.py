"""A multilayer perceptron for tables: linear layers with batch norm, activation and dropout.

Rumelhart, Hinton, Williams 1986 ("Learning representations by back-propagating errors"); batch norm: Ioffe, Szegedy
2015 (arXiv 1502.03167); dropout: Srivastava et al. 2014 (JMLR 15).
"""

from __future__ import annotations

from torch import Tensor, nn

from convergent.models.activations import initialise, make_activation
from convergent.models.embeddings import TableInput


class TableMLP(nn.Module):
    """The network: `(numeric_BF, categorical_BK) -> (B, C)`.

    source       what makes one vector of a row
    num_classes  C; None for a number, then the outputs are (B)
    """

    def __init__(
        self, source: TableInput, num_classes: int | None, *, width: int, depth: int, dropout: float, activation: str
    ) -> None:
        super().__init__()
        self.source, self.single = source, num_classes is None
        layers: list[nn.Module] = []
        inputs = source.width
        for _ in range(depth):
            layers += [nn.Linear(inputs, width, bias=False), nn.BatchNorm1d(width), make_activation(activation)]
            layers += [nn.Dropout(dropout)]
            inputs = width
        self.layers = nn.Sequential(*layers, nn.Linear(inputs, num_classes or 1))
        initialise(self.layers, activation)

    def forward(self, numeric_BF: Tensor, categorical_BK: Tensor) -> Tensor:
        """Return the outputs (B, C): logits, or standardised numbers."""
        outputs_BC: Tensor = self.layers(self.source(numeric_BF, categorical_BK))
        return outputs_BC.squeeze(1) if self.single else outputs_BC
