"""A bag of embeddings, the baseline of texts: the mean of the vectors of words and pairs of words, then linear.

fastText: Joulin et al. 2017, https://arxiv.org/abs/1607.01759. Pairs share a table of vectors by a hash.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from convergent.models.sequence import PAD, TokenEmbedding, drop_words, masked_mean, real_tokens

NUM_PAIRS = 1 << 16


def pair_ids(tokens_BT: Tensor) -> Tensor:
    """Return an id from 1 to NUM_PAIRS - 1 for each two tokens side by side, (B, T - 1); 0 where either is padding.

    >>> bool(pair_ids(torch.tensor([[7, 8, 0]]))[0, 0] > 0), int(pair_ids(torch.tensor([[7, 8, 0]]))[0, 1])
    (True, 0)
    """
    left, right = tokens_BT[:, :-1], tokens_BT[:, 1:]
    ids = (left * 1_000_003 + right * 7_919) % (NUM_PAIRS - 1) + 1
    return ids * (left != PAD) * (right != PAD)


class BagClassifier(nn.Module):
    """Token ids (B, T) -> logits (B, C)."""

    def __init__(self, num_tokens: int, num_classes: int, *, width: int, dropout: float, words: float) -> None:
        super().__init__()
        self.words = words
        self.tokens = TokenEmbedding(num_tokens, width, dropout=0.0, words=0.0)
        self.pairs = TokenEmbedding(NUM_PAIRS, width, dropout=0.0, words=0.0)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * width, num_classes)

    def forward(self, tokens_BT: Tensor) -> Tensor:
        """Return the logits."""
        if self.training and self.words:
            tokens_BT = drop_words(tokens_BT, self.words)
        pairs_BT = pair_ids(torch.nn.functional.pad(tokens_BT, (0, 1)))
        real_BT = real_tokens(tokens_BT)
        means = [masked_mean(self.tokens(tokens_BT), real_BT), masked_mean(self.pairs(pairs_BT), real_BT)]
        logits_BC: Tensor = self.head(self.dropout(torch.cat(means, 1)))
        return logits_BC
