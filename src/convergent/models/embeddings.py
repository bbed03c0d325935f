"""What a table's columns become before the first hidden layer: one vector a sample.

Numeric columns: piecewise-linear embeddings (Gorishniy, Rubachev, Babenko 2022, arXiv 2203.05556), in the form that
TabM uses (Gorishniy et al. 2024, arXiv 2410.24210: a linear embedding plus a piecewise-linear one that starts at zero).
Categorical columns: a learned vector a value (Guo, Berkhahn 2016, arXiv 1604.06737).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

MAX_NUMERIC_UNITS = 2048  # beyond it a table with many columns gets narrower embeddings


def embedding_width(num_columns: int) -> int:
    """Return the units that each numeric column gets: 16, fewer where there are many columns.

    >>> embedding_width(6), embedding_width(500), embedding_width(10_000)
    (16, 4, 1)
    """
    return max(1, min(16, MAX_NUMERIC_UNITS // max(1, num_columns)))


class PiecewiseLinear(nn.Module):
    """Embed each of F numbers in D units: `x_BF -> x_BFD`.

    A number is written as how far it fills each bin between `edges` (0 before, 1 behind, linear within), and each
    column has a linear map of its own from its bins to D units. This part starts at zero beside a plain linear
    embedding, so the network is an ordinary one at first and learns bends where the data has them.

    edges: for each column its bin edges, ascending, at least two, on the scale of the input.
    """

    slope: Tensor
    offset: Tensor

    def __init__(self, edges: Sequence[Sequence[float]], width: int) -> None:
        super().__init__()
        num_bins = max(len(column) for column in edges) - 1
        slope_FN, offset_FN = _bins(edges, num_bins)
        self.register_buffer("slope", slope_FN)
        self.register_buffer("offset", offset_FN)
        self.bin_weight = nn.Parameter(torch.zeros(len(edges), num_bins, width))
        bound = 1 / math.sqrt(width)
        self.weight = nn.Parameter(torch.empty(len(edges), width).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(len(edges), width).uniform_(-bound, bound))

    def forward(self, x_BF: Tensor) -> Tensor:
        """Return the embeddings (B, F, D)."""
        filled_BFN = torch.addcmul(self.offset, x_BF.unsqueeze(2), self.slope)
        bent_BFD = torch.einsum("bfn,fnd->bfd", filled_BFN.clamp(0, 1), self.bin_weight)
        return bent_BFD + torch.addcmul(self.bias, x_BF.unsqueeze(2), self.weight)


def _bins(edges: Sequence[Sequence[float]], num_bins: int) -> tuple[Tensor, Tensor]:
    """Return slope and offset of each bin's filling, (F, N); bins that a column lacks stay empty."""
    slope_FN, offset_FN = torch.zeros(len(edges), num_bins), torch.zeros(len(edges), num_bins)
    for column, column_edges in enumerate(edges):
        edge_N = torch.tensor(column_edges, dtype=torch.float64)
        slope_N = 1 / edge_N.diff()
        slope_FN[column, : len(slope_N)] = slope_N
        offset_FN[column, : len(slope_N)] = -edge_N[:-1] * slope_N
    return slope_FN, offset_FN


class Categories(nn.Module):
    """Embed K categories: `x_BK -> x_BD`, the vectors of all columns side by side.

    A column of n values gets min(n, 16) units. Index 0, for values that training has not seen, starts at zero.
    """

    def __init__(self, num_values: Sequence[int]) -> None:
        super().__init__()
        self.columns = nn.ModuleList(nn.Embedding(count, min(count, 16)) for count in num_values)
        for column in self.columns:
            assert isinstance(column, nn.Embedding)
            with torch.no_grad():
                column.weight[0] = 0
        self.width = sum(min(count, 16) for count in num_values)

    def forward(self, x_BK: Tensor) -> Tensor:
        """Return the embeddings (B, D)."""
        return torch.cat([column(x_BK[:, place]) for place, column in enumerate(self.columns)], dim=1)


class TableInput(nn.Module):
    """Make one vector of a row: `(numeric_BF, categorical_BK) -> x_BD`.

    edges       bin edges of the F numeric columns that get a piecewise-linear embedding
    flags       further numeric columns, behind those F, that are 0 or 1 and go in as they are (value was missing)
    num_values  number of values of each categorical column
    """

    def __init__(self, edges: Sequence[Sequence[float]], flags: int, num_values: Sequence[int]) -> None:
        super().__init__()
        self.num_edges = len(edges)
        width = embedding_width(len(edges))
        self.numeric_embedding = PiecewiseLinear(edges, width) if edges else None
        self.categorical_embedding = Categories(num_values) if num_values else None
        categorical_width = self.categorical_embedding.width if self.categorical_embedding else 0
        self.width = len(edges) * width + flags + categorical_width

    def forward(self, numeric_BF: Tensor, categorical_BK: Tensor) -> Tensor:
        """Return x (B, self.width)."""
        parts = [numeric_BF[:, self.num_edges :]]
        if self.numeric_embedding is not None:
            parts.append(self.numeric_embedding(numeric_BF[:, : self.num_edges]).flatten(1))
        if self.categorical_embedding is not None:
            parts.append(self.categorical_embedding(categorical_BK))
        return torch.cat(parts, dim=1)
