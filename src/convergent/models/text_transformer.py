"""A Transformer that reads a whole text and says its class: Devlin et al. 2019, https://arxiv.org/abs/1810.04805.

Its verdict is read from attention and maximum over the tokens, which few texts teach better than one extra token.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from convergent.models.sequence import AttentionPooling, drop_words, masked_max, real_tokens
from convergent.models.transformer import Transformer


class TransformerClassifier(nn.Module):
    """Token ids (B, T) -> logits (B, C); `network` knows nothing of the classes."""

    def __init__(self, network: Transformer, num_classes: int, width: int, *, dropout: float, words: float) -> None:
        super().__init__()
        self.network, self.words = network, words
        self.attention = AttentionPooling(width)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * width, num_classes)

    def forward(self, tokens_BT: Tensor) -> Tensor:
        """Return the logits."""
        if self.training and self.words:
            tokens_BT = drop_words(tokens_BT, self.words)
        real_BT = real_tokens(tokens_BT)
        features_BTD = self.network(tokens_BT, real_BT)
        pooled = [self.attention(features_BTD, real_BT), masked_max(features_BTD, real_BT)]
        logits_BC: Tensor = self.head(self.dropout(torch.cat(pooled, 1)))
        return logits_BC
