"""What networks over texts of different length share: embeddings with dropout, and pooling that sees no padding.

Word dropout: Iyyer et al. 2015, https://aclanthology.org/P15-1162. The same units off at every token of a text: Gal
and Ghahramani 2016, https://arxiv.org/abs/1512.05287. Attention pooling: Yang et al. 2016, aclanthology.org/N16-1174.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

PAD, UNKNOWN = 0, 1  # the ids that every tokeniser gives them
EMBEDDING_STD = 0.1


def real_tokens(tokens_BT: Tensor) -> Tensor:
    """Return True for tokens and False for padding, (B, T)."""
    return tokens_BT != PAD


def drop_words(tokens_BT: Tensor, share: float) -> Tensor:
    """Return the tokens with a random `share` of them unknown, so that no single word is relied on."""
    hidden_BT = torch.rand(tokens_BT.shape, device=tokens_BT.device) < share
    return torch.where(hidden_BT & real_tokens(tokens_BT), UNKNOWN, tokens_BT)


class SharedDropout(nn.Module):
    """Dropout of (B, T, D) that switches the same units of a sample off at every token."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x_BTD: Tensor) -> Tensor:
        """Return the units that stay, scaled; in evaluation all as they are."""
        if not self.training or self.share == 0:
            return x_BTD
        kept_B1D = torch.rand(len(x_BTD), 1, x_BTD.shape[2], device=x_BTD.device) >= self.share
        return x_BTD * kept_B1D / (1 - self.share)


class TokenEmbedding(nn.Module):
    """Token ids (B, T) -> vectors (B, T, D); padding is zero.

    dropout  share of units off at every token of a text
    words    share of tokens that training takes for unknown
    """

    def __init__(self, num_tokens: int, width: int, *, dropout: float, words: float) -> None:
        super().__init__()
        self.words = words
        self.embedding = nn.Embedding(num_tokens, width, padding_idx=PAD)
        self.dropout = SharedDropout(dropout)
        with torch.no_grad():
            self.embedding.weight.mul_(EMBEDDING_STD)

    def forward(self, tokens_BT: Tensor) -> Tensor:
        """Return the vectors."""
        if self.training and self.words:
            tokens_BT = drop_words(tokens_BT, self.words)
        vectors_BTD: Tensor = self.dropout(self.embedding(tokens_BT))
        return vectors_BTD


def masked_mean(x_BTD: Tensor, real_BT: Tensor) -> Tensor:
    """Return the mean over the real tokens, (B, D).

    >>> masked_mean(torch.tensor([[[2.0], [4.0], [9.0]]]), torch.tensor([[True, True, False]]))
    tensor([[3.]])
    """
    return (x_BTD * real_BT.unsqueeze(2)).sum(1) / real_BT.sum(1, keepdim=True)


def masked_max(x_BTD: Tensor, real_BT: Tensor) -> Tensor:
    """Return the largest value of each unit over the real tokens, (B, D)."""
    return x_BTD.masked_fill(~real_BT.unsqueeze(2), torch.finfo(x_BTD.dtype).min).amax(1)


class AttentionPooling(nn.Module):
    """Features (B, T, D) -> their average (B, D) by weights that are learned."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.score = nn.Linear(width, 1)

    def weights(self, x_BTD: Tensor, real_BT: Tensor) -> Tensor:
        """Return the weight of each token, (B, T); they add up to 1, and padding has none."""
        scores_BT = self.score(torch.tanh(x_BTD)).squeeze(2)
        weights_BT: Tensor = scores_BT.float().masked_fill(~real_BT, float("-inf")).softmax(1)
        return weights_BT.to(x_BTD.dtype)

    def forward(self, x_BTD: Tensor, real_BT: Tensor) -> Tensor:
        """Return the weighted average."""
        return (x_BTD * self.weights(x_BTD, real_BT).unsqueeze(2)).sum(1)
