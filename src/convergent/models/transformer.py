"""A Transformer over tokens: causal (GPT) or in both directions (BERT), with a key-value cache for generation.

Vaswani et al. 2017, https://arxiv.org/abs/1706.03762; norms before each part: Xiong et al. 2020, arXiv 2002.04745.
Rotary positions: Su et al. 2021, arXiv 2104.09864. Normalised queries and keys: Henry et al. 2020, arXiv 2010.04245.
Squared ReLU, and queries, keys and values mixed with those of the tokens before: So et al. 2021, arXiv 2109.08668.
RMS norm: Zhang and Sennrich 2019, arXiv 1910.07467.
Every part ends in zeros, so that the network starts as the identity: Zhang et al. 2019, arXiv 1901.09321.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from convergent.config import Positions
from convergent.models.activations import make_activation
from convergent.models.dropout import ByteDropout
from convergent.models.lean import mixed_with_before, rms_normed

Norm = Literal["rms", "layer"]
EXPANSION = 4
ROTARY_BASE = 10_000.0
EMBEDDING_STD = 0.02
SHORT = 256  # tokens up to which attention is quicker as plain products, in bfloat16 on a CPU
MIXED = 3  # tokens, the last of them the token itself


class KeyValueCache:
    """Keys and values of the tokens that a causal Transformer has seen: the next one need not compute them again."""

    def __init__(self) -> None:
        self.length = 0
        self._layers: dict[int, tuple[Tensor, Tensor]] = {}
        self._tails: dict[int, Tensor] = {}

    def extended(self, layer: int, key_BHTD: Tensor, value_BHTD: Tensor, room: int) -> tuple[Tensor, Tensor]:
        """Return all keys and values of a layer with those of new tokens behind them; `room` tokens fit in."""
        first, last = self.length, self.length + key_BHTD.shape[2]
        if layer not in self._layers:
            shape = (*key_BHTD.shape[:2], room, key_BHTD.shape[3])
            self._layers[layer] = (key_BHTD.new_empty(shape), value_BHTD.new_empty(shape))
        keys, values = self._layers[layer]
        keys[:, :, first:last], values[:, :, first:last] = key_BHTD, value_BHTD
        return keys[:, :, :last], values[:, :, :last]

    def select(self, rows: Tensor) -> None:
        """Go on with the texts at `rows`, some of them several times, some not at all: for a search over texts."""
        for layer, both in self._layers.items():
            kept = [part.new_empty((len(rows), *part.shape[1:])) for part in both]
            for new, part in zip(kept, both, strict=True):  # what has not been written yet is not copied
                new[:, :, : self.length] = part[:, :, : self.length].index_select(0, rows)
            self._layers[layer] = (kept[0], kept[1])
        self._tails = {layer: tail[rows] for layer, tail in self._tails.items()}

    def with_tail(self, layer: int, x_BTD: Tensor, tokens: int) -> Tensor:
        """Return features of a layer behind those of the last `tokens` tokens before them, zeros at the beginning."""
        tail = self._tails.get(layer, x_BTD.new_zeros(len(x_BTD), tokens, x_BTD.shape[2]))
        joined = torch.cat([tail, x_BTD], 1)
        self._tails[layer] = joined[:, -tokens:]
        return joined


def attended(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, *, dropout: float = 0.0, causal: bool = False
) -> Tensor:
    """Return what queries (B, H, T, D) gather from values by their keys; `mask` is True where one may be looked at.

    torch's own, but where a CPU learns from short texts in bfloat16: there its backward pass takes several times as
    long as products with a softmax between them.
    """
    short = query.shape[2] <= SHORT and query.dtype == torch.bfloat16 and query.device.type == "cpu"
    if not (short and torch.is_grad_enabled()):
        return F.scaled_dot_product_attention(query, key, value, mask, dropout_p=dropout, is_causal=causal)
    scores = (query * query.shape[3] ** -0.5) @ key.transpose(2, 3)
    if causal:
        mask = torch.ones(scores.shape[2:], dtype=torch.bool).tril()
    if mask is not None:  # added, for a sum costs the backward pass nothing
        scores = scores + torch.zeros(mask.shape, dtype=scores.dtype).masked_fill(~mask, -math.inf)
    with torch.autocast("cpu", enabled=False):  # it would have the softmax in float32, which each row is inside anyway
        weights = scores.softmax(3)
    gathered: Tensor = F.dropout(weights, dropout) @ value
    return gathered


class Attention(nn.Module):
    """Self-attention of several heads: features (B, T, D) -> (B, T, D); where `mixed` with the tokens before."""

    def __init__(self, width: int, heads: int, *, causal: bool, dropout: float, mixed: bool | None = None) -> None:
        super().__init__()
        self.heads, self.causal, self.dropout = heads, causal, dropout
        self.mixed = causal if mixed is None else mixed
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)
        if self.mixed:
            self.mixing_scale = nn.Parameter(torch.zeros(MIXED, 3 * width).index_fill_(0, torch.tensor(MIXED - 1), 1.0))
        self.output = nn.Linear(width, width, bias=False)

    def projected(self, x_BTD: Tensor, cache: KeyValueCache | None = None, layer: int = 0) -> Tensor:
        """Return queries, keys and values (B, T, 3 D); of a causal network mixed with those of the tokens before."""
        projected_BTD: Tensor = self.query_key_value(x_BTD)
        if not self.mixed:
            return projected_BTD
        if cache is None:
            return mixed_with_before(projected_BTD, self.mixing_scale)
        before = MIXED - 1
        joined_BTD = cache.with_tail(layer, projected_BTD, before)
        if joined_BTD.shape[1] == MIXED:  # one new token: all the others' features would be computed for nothing
            return (joined_BTD * self.mixing_scale.to(joined_BTD.dtype)).sum(1, keepdim=True)
        return mixed_with_before(joined_BTD, self.mixing_scale)[:, before:]

    def queries_and_keys(self, both_BTD: Tensor, angles: tuple[Tensor, Tensor] | None) -> tuple[Tensor, Tensor]:
        """Return queries and keys (B, H, T, D), normalised and, with `angles`, rotated."""
        batch, length, width = both_BTD.shape
        both = both_BTD.view(batch, length, 2 * self.heads, width // (2 * self.heads))
        both = rms_normed(both)
        if angles is not None:
            both = rotated(both, *angles)
        query, key = both.transpose(1, 2).chunk(2, dim=1)
        return query, key

    def forward(
        self, x_BTD: Tensor, angles: tuple[Tensor, Tensor] | None, mask: Tensor | None,
        cache: KeyValueCache | None = None, layer: int = 0, room: int = 0,
    ) -> Tensor:  # fmt: skip
        """Return what each token gathers; `mask` (B, 1, 1, T) is True where there is a token to look at."""
        batch, length, width = x_BTD.shape
        both_BTD, value_BTD = self.projected(x_BTD, cache, layer).split((2 * width, width), 2)
        query, key = self.queries_and_keys(both_BTD, angles)
        value = value_BTD.view(batch, length, self.heads, -1).transpose(1, 2)
        if cache is not None:
            key, value = cache.extended(layer, key, value, room)
            if length > 1 and cache.length:  # several tokens behind others: each sees those before, and itself
                mask = torch.ones(length, key.shape[2], dtype=torch.bool, device=key.device).tril(cache.length)
        causal = self.causal and mask is None and length > 1
        dropout = self.dropout if self.training else 0.0
        seen = attended(query, key, value, mask, dropout=dropout, causal=causal)
        gathered: Tensor = self.output(seen.transpose(1, 2).reshape(batch, length, width))
        return gathered


class Block(nn.Module):
    """Attention, then a perceptron on each token, each added to what it was given."""

    def __init__(
        self, width: int, heads: int, *, causal: bool, norm: Norm, activation: str, dropout: float,
        attention_dropout: float | None = None, mixed: bool | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        looked = dropout if attention_dropout is None else attention_dropout
        self.attention = Attention(width, heads, causal=causal, dropout=looked, mixed=mixed)
        self.attention_norm, self.perceptron_norm = make_norm(norm, width), make_norm(norm, width)
        self.widen = nn.Linear(width, EXPANSION * width, bias=False)
        self.activation = make_activation(activation)
        self.narrow = nn.Linear(EXPANSION * width, width, bias=False)
        self.dropout = ByteDropout(dropout)

    def forward(
        self, x_BTD: Tensor, angles: tuple[Tensor, Tensor] | None, mask: Tensor | None,
        cache: KeyValueCache | None = None, layer: int = 0, room: int = 0,
    ) -> Tensor:  # fmt: skip
        """Return the features after this block."""
        gathered = self.attention(self.attention_norm(x_BTD), angles, mask, cache, layer, room)
        return self.thought(x_BTD + self.dropout(gathered))

    def thought(self, x_BTD: Tensor) -> Tensor:
        """Return the features after the perceptron."""
        out_BTD: Tensor = x_BTD + self.dropout(self.narrow(self.activation(self.widen(self.perceptron_norm(x_BTD)))))
        return out_BTD


class Transformer(nn.Module):
    """Token ids (B, T) -> features (B, T, D).

    causal     a token sees those before it alone; otherwise all tokens see each other
    context    most tokens that it can be given
    positions  how a token knows its place; rotary leaves the embedding alone and turns queries and keys
    attention_dropout  share of what attention looks at that is switched off; as elsewhere where it is not given
    """

    def __init__(
        self,
        num_tokens: int,
        width: int,
        depth: int,
        heads: int,
        *,
        causal: bool,
        context: int = 512,
        positions: Positions = "rotary",
        norm: Norm = "rms",
        activation: str = "squared_relu",
        dropout: float = 0.0,
        attention_dropout: float | None = None,
    ) -> None:
        super().__init__()
        self.context, self.causal, self.positions = context, causal, positions
        self.embedding = nn.Embedding(num_tokens, width)
        self.dropout = ByteDropout(dropout)
        options: dict[str, Any] = {"causal": causal, "norm": norm, "activation": activation, "dropout": dropout}
        options |= {"attention_dropout": attention_dropout}
        self.blocks = nn.ModuleList(Block(width, heads, **options) for _ in range(depth))
        self.norm = make_norm(norm, width)
        nn.init.normal_(self.embedding.weight, std=EMBEDDING_STD)
        self._initialise(width)
        if positions == "rotary":
            cosine, sine = rotary_table(context, width // heads)
            self.register_buffer("cosine", cosine, persistent=False)
            self.register_buffer("sine", sine, persistent=False)
        elif positions == "learned":
            self.position_embedding = nn.Parameter(EMBEDDING_STD * torch.randn(context, width))
        else:
            self.register_buffer("wave", EMBEDDING_STD * sinusoids(context, width), persistent=False)

    def _initialise(self, width: int) -> None:
        for module in self.blocks.modules():
            if isinstance(module, nn.Linear):
                nn.init.uniform_(module.weight, -math.sqrt(3 / width), math.sqrt(3 / width))
        for block in self.blocks:
            assert isinstance(block, Block)
            nn.init.zeros_(block.attention.output.weight)
            nn.init.zeros_(block.narrow.weight)

    def forward(self, tokens_BT: Tensor, real_BT: Tensor | None = None, cache: KeyValueCache | None = None) -> Tensor:
        """Return the features of each token.

        `real_BT` is True for tokens and False for the padding behind them, which nobody looks at; a causal network
        needs no such mask, for padding comes last. With `cache` the tokens follow those that it holds.
        """
        first = cache.length if cache is not None else 0
        last = first + tokens_BT.shape[1]
        x_BTD, angles = self.embedded(tokens_BT, first, last)
        mask = real_BT[:, None, None, :] if real_BT is not None and not self.causal else None
        for layer, block in enumerate(self.blocks):
            x_BTD = block(x_BTD, angles, mask, cache, layer, self.context)
        if cache is not None:
            cache.length = last
        features_BTD: Tensor = self.norm(x_BTD)
        return features_BTD

    def embedded(self, tokens_BT: Tensor, first: int, last: int) -> tuple[Tensor, tuple[Tensor, Tensor] | None]:
        """Return the embeddings of tokens at the places `first` to `last` (exclusive), and rotary angles or None."""
        x_BTD = self.embedding(tokens_BT)
        if self.positions == "rotary":
            assert isinstance(self.cosine, Tensor) and isinstance(self.sine, Tensor)
            return self.dropout(x_BTD), (self.cosine[first:last], self.sine[first:last])
        place_TD = self.position_embedding if self.positions == "learned" else self.wave
        assert isinstance(place_TD, Tensor)
        return self.dropout(x_BTD + place_TD[first:last]), None

    @torch.no_grad()
    def attention_maps(self, tokens_BT: Tensor) -> list[Tensor]:
        """Return for each layer how much each token (rows) looks at each other (columns), (B, H, T, T)."""
        length = tokens_BT.shape[1]
        x_BTD, angles = self.embedded(tokens_BT, 0, length)
        later = torch.ones(length, length, dtype=torch.bool, device=x_BTD.device).triu(1)
        maps = []
        for block in self.blocks:
            assert isinstance(block, Block)
            query, key = block.attention.queries_and_keys(
                block.attention.projected(block.attention_norm(x_BTD))[..., : 2 * x_BTD.shape[2]], angles
            )
            scores = query @ key.transpose(2, 3) / math.sqrt(query.shape[-1])
            maps.append((scores.masked_fill(later, -math.inf) if self.causal else scores).softmax(3))
            x_BTD = block(x_BTD, angles, None)
        return maps


class RmsNorm(nn.Module):
    """Features divided by their root mean square, without weights."""

    def forward(self, x_BTD: Tensor) -> Tensor:
        """Return the features on one scale."""
        return rms_normed(x_BTD)


def make_norm(norm: Norm, width: int) -> nn.Module:
    """Return a new norm over features, without weights: the matrix that follows can hold them."""
    return nn.LayerNorm(width, elementwise_affine=False) if norm == "layer" else RmsNorm()


def rotary_table(length: int, head_width: int) -> tuple[Tensor, Tensor]:
    """Return cosines and sines (T, 1, D) by which the pairs of features at each place are turned; sines as -, +."""
    rates = ROTARY_BASE ** -torch.linspace(0, 1, head_width // 2)
    angles_TD = torch.arange(length)[:, None] * rates
    cosine, sine = angles_TD.cos(), angles_TD.sin()
    return torch.cat([cosine, cosine], 1)[:, None], torch.cat([-sine, sine], 1)[:, None]


def rotated(x_BTHD: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Return features (B, T, H, D) whose halves are turned against each other by the place's angles.

    >>> x = torch.randn(1, 3, 1, 4)
    >>> torch.allclose(rotated(x, *rotary_table(3, 4)).norm(dim=-1), x.norm(dim=-1))
    True
    """
    exchanged = x_BTHD.roll(x_BTHD.shape[-1] // 2, -1)
    return torch.addcmul(x_BTHD * cosine.to(x_BTHD.dtype), exchanged, sine.to(x_BTHD.dtype))


def sinusoids(length: int, width: int) -> Tensor:
    """Return the sinusoidal code (T, D) of each place (Vaswani et al. 2017, 3.5), sines first.

    >>> sinusoids(4, 6).shape
    torch.Size([4, 6])
    """
    half = -(-width // 2)
    rates = ROTARY_BASE ** (-torch.arange(half) / half)
    angles_TD = torch.arange(length)[:, None] * rates
    return torch.cat([angles_TD.sin(), angles_TD.cos()], dim=1)[:, :width]
