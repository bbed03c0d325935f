"""Recurrent networks over texts: simple (Elman 1990), LSTM (Hochreiter and Schmidhuber 1997), GRU (Cho et al. 2014).

Both directions: Schuster and Paliwal 1997. The texts are packed, so that padding is never read.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from convergent.models.sequence import AttentionPooling, TokenEmbedding, masked_max, real_tokens

Cell = Literal["rnn", "lstm", "gru"]
CELLS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


class Recurrent(nn.Module):
    """Vectors (B, T, D) of texts -> features (B, T, 2 * width) of layers that read forwards and backwards."""

    def __init__(self, cell: Cell, inputs: int, width: int, depth: int, *, dropout: float) -> None:
        super().__init__()
        between = dropout if depth > 1 else 0.0
        self.layers = CELLS[cell](inputs, width, depth, batch_first=True, bidirectional=True, dropout=between)
        initialise(self.layers, cell, width)

    def forward(self, x_BTD: Tensor, real_BT: Tensor) -> Tensor:
        """Return the features, zero at padding."""
        lengths_B = real_BT.sum(1).cpu()
        packed = nn.utils.rnn.pack_padded_sequence(x_BTD, lengths_B, batch_first=True, enforce_sorted=False)
        read, _ = self.layers(packed)
        features_BTD: Tensor
        features_BTD, _ = nn.utils.rnn.pad_packed_sequence(read, batch_first=True, total_length=x_BTD.shape[1])
        return features_BTD


@torch.no_grad()
def initialise(layers: nn.Module, cell: Cell, width: int) -> None:
    """Orthogonal recurrent matrices (Saxe et al. 2013), and open forget gates (Jozefowicz et al. 2015)."""
    for name, parameter in layers.named_parameters():
        if name.startswith("weight_hh"):
            for gate in parameter.split(width):
                nn.init.orthogonal_(gate)
        elif name.startswith("weight_ih"):
            for gate in parameter.split(width):
                nn.init.xavier_uniform_(gate)
        else:
            nn.init.zeros_(parameter)
            if cell == "lstm" and name.startswith("bias_ih"):
                parameter[width : 2 * width] = 1.0


class RecurrentClassifier(nn.Module):
    """Token ids (B, T) -> logits (B, C): embedding, recurrent layers, attention and maximum over the text, linear."""

    def __init__(
        self, cell: Cell, num_tokens: int, num_classes: int, *, width: int, depth: int, dropout: float, words: float
    ) -> None:
        super().__init__()
        self.tokens = TokenEmbedding(num_tokens, 2 * width, dropout=0.6 * dropout, words=words)
        self.recurrent = Recurrent(cell, 2 * width, width, depth, dropout=dropout)
        self.attention = AttentionPooling(2 * width)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(4 * width, num_classes)

    def forward(self, tokens_BT: Tensor) -> Tensor:
        """Return the logits."""
        real_BT = real_tokens(tokens_BT)
        features_BTD = self.recurrent(self.tokens(tokens_BT), real_BT)
        pooled = [self.attention(features_BTD, real_BT), masked_max(features_BTD, real_BT)]
        logits_BC: Tensor = self.head(self.dropout(torch.cat(pooled, 1)))
        return logits_BC
