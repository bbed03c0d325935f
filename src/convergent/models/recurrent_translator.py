"""Recurrent translation with attention: Bahdanau et al. 2015, https://arxiv.org/abs/1409.0473.

Attention by products behind the first layer of the decoder: Luong et al. 2015, https://arxiv.org/abs/1508.04025. What
was looked at goes into the layer above, not into the next step (Wu et al. 2016, https://arxiv.org/abs/1609.08144): so
each layer reads a whole translation in one call.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from convergent.models.rnn import Recurrent, initialise
from convergent.models.sequence import SharedDropout, real_tokens


class RecurrentCache:
    """The sentences as they were read, and the decoder's states after the tokens that it has written."""

    def __init__(self, keys_ASD: Tensor, read_ASD: Tensor, real_AS: Tensor, states: list[Tensor]) -> None:
        self.keys_ASD, self.read_ASD, self.real_AS, self.states = keys_ASD, read_ASD, real_AS, states

    def select(self, kept: Tensor, rows: Tensor) -> None:
        """Go on with the sentences at `kept` and their translations at `rows`."""
        if len(kept) < len(self.real_AS):
            self.keys_ASD, self.read_ASD, self.real_AS = self.keys_ASD[kept], self.read_ASD[kept], self.real_AS[kept]
        self.states = [state[:, rows] for state in self.states]


class RecurrentTranslator(nn.Module):
    """Token ids of sentences (B, S) and of what is written of their translations (B, T) -> logits (B, T, V)."""

    def __init__(self, num_tokens: int, width: int, depth: int, *, dropout: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(num_tokens, width)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)  # it is the output layer too
        self.encoder = Recurrent("gru", width, width // 2, depth, dropout=dropout)
        self.first = nn.GRU(width, width, batch_first=True)
        self.above = nn.GRU(2 * width, width, depth, batch_first=True, dropout=dropout if depth > 1 else 0.0)
        self.begin = nn.Linear(width, (1 + depth) * width)
        self.key = nn.Linear(width, width, bias=False)
        self.output = nn.Linear(2 * width, width)
        self.shared_dropout, self.dropout = SharedDropout(dropout), nn.Dropout(dropout)
        self.bias = nn.Parameter(torch.zeros(num_tokens))
        for layers in (self.first, self.above):
            initialise(layers, "gru", width)

    def read(self, source_BS: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Return the features of sentences (B, S, D), where there is a token (B, S), and the decoder's first states."""
        real_BS = real_tokens(source_BS)
        read_BSD: Tensor = self.encoder(self.shared_dropout(self.embedding(source_BS)), real_BS)
        mean_BD = read_BSD.sum(1) / real_BS.sum(1, keepdim=True)
        states = torch.tanh(self.begin(mean_BD)).unflatten(1, (-1, read_BSD.shape[2])).transpose(0, 1).contiguous()
        return self.dropout(read_BSD), real_BS, [states[:1], states[1:]]

    def weights(self, first_BTD: Tensor, keys_BSD: Tensor, real_BS: Tensor) -> Tensor:
        """Return how much each token of a translation looks at each of its sentence, (B, T, S)."""
        scores_BTS = (first_BTD @ keys_BSD.transpose(1, 2)).float() / math.sqrt(keys_BSD.shape[2])
        weights_BTS: Tensor = scores_BTS.masked_fill(~real_BS[:, None], -math.inf).softmax(2)
        return weights_BTS.to(first_BTD.dtype)

    def written(self, tokens_BT: Tensor, cache: RecurrentCache) -> Tensor:
        """Return the logits (B, T, V) behind tokens that follow those that the cache has seen."""
        x_BTD = self.shared_dropout(self.embedding(tokens_BT))
        first_BTD, cache.states[0] = self.first(x_BTD, cache.states[0])
        looking_AKD = first_BTD.reshape(len(cache.real_AS), -1, first_BTD.shape[2])  # several rows of one sentence
        seen_AKD = self.weights(looking_AKD, cache.keys_ASD, cache.real_AS) @ cache.read_ASD.to(first_BTD.dtype)
        seen_BTD = seen_AKD.view_as(first_BTD)
        above_BTD, cache.states[1] = self.above(self.dropout(torch.cat([first_BTD, seen_BTD], 2)), cache.states[1])
        features_BTD = torch.tanh(self.output(self.dropout(torch.cat([above_BTD, seen_BTD], 2))))
        return F.linear(self.dropout(features_BTD), self.embedding.weight) + self.bias

    def forward(self, source_BS: Tensor, tokens_BT: Tensor) -> Tensor:
        """Return the logits of the token behind each of a translation's."""
        return self.written(tokens_BT, self.start(source_BS, 1, 0))

    def start(self, source_BS: Tensor, beam: int, room: int) -> RecurrentCache:
        """Return the cache of sentences, `beam` rows for each."""
        read_BSD, real_BS, states = self.read(source_BS)
        states = [state.repeat_interleave(beam, 1) for state in states] if beam > 1 else states
        return RecurrentCache(self.key(read_BSD), read_BSD, real_BS, states)

    def next_logits(self, tokens_R: Tensor, cache: RecurrentCache) -> Tensor:
        """Return the logits (R, V) of what follows the last tokens."""
        return self.written(tokens_R[:, None], cache)[:, 0]

    @torch.no_grad()
    def attention_map(self, source_1S: Tensor, tokens_1T: Tensor) -> Tensor:
        """Return how much each token of a translation (rows) looks at each of its sentence (columns), (T, S)."""
        cache = self.start(source_1S, 1, 0)
        first_BTD, _ = self.first(self.embedding(tokens_1T), cache.states[0])
        return self.weights(first_BTD, cache.keys_ASD, cache.real_AS)[0]
