"""An encoder-decoder Transformer: it reads a sentence and writes another, token by token.

Vaswani et al. 2017, https://arxiv.org/abs/1706.03762

The parts are those of transformer.py; a decoder's block looks at the sentence between attention and perceptron. One
table of embeddings serves the encoder, the decoder and the output: Press and Wolf 2017, https://arxiv.org/abs/1608.05859
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from convergent.models.dropout import ByteDropout
from convergent.models.lean import rms_normed
from convergent.models.sequence import real_tokens
from convergent.models.transformer import Block, KeyValueCache, Transformer, attended, make_norm


class CrossAttention(nn.Module):
    """Attention of several heads from a translation (B, T, D) to the features of its sentence (B, S, D)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width, bias=False)
        self.key_value = nn.Linear(width, 2 * width, bias=False)
        self.output = nn.Linear(width, width, bias=False)

    def queries(self, x_BTD: Tensor) -> Tensor:
        """Return queries (B, H, T, D / H), normalised."""
        query = self.query(x_BTD).unflatten(2, (self.heads, -1)).transpose(1, 2)
        return rms_normed(query)

    def keys_and_values(self, read_BSD: Tensor) -> tuple[Tensor, Tensor]:
        """Return keys, normalised, and values (B, H, S, D / H)."""
        both = self.key_value(read_BSD).unflatten(2, (2 * self.heads, -1)).transpose(1, 2)
        key, value = both.chunk(2, 1)
        return rms_normed(key), value

    def forward(self, x_BTD: Tensor, keys_values: tuple[Tensor, Tensor], mask: Tensor) -> Tensor:
        """Return what each token gathers; `mask` (B, 1, 1, S) is True where there is a token to look at."""
        seen = attended(self.queries(x_BTD), *keys_values, mask)
        gathered: Tensor = self.output(seen.transpose(1, 2).flatten(2))
        return gathered


class DecoderBlock(nn.Module):
    """A causal block with a look at the sentence between its attention and its perceptron."""

    def __init__(self, width: int, heads: int, *, activation: str, dropout: float) -> None:
        super().__init__()
        self.block = Block(
            width, heads, causal=True, norm="layer", activation=activation, dropout=dropout, attention_dropout=0.0,
            mixed=False,
        )  # fmt: skip
        self.cross_norm = make_norm("layer", width)
        self.cross = CrossAttention(width, heads)
        self.dropout = ByteDropout(dropout)

    def gathered(
        self, x_BTD: Tensor, angles: tuple[Tensor, Tensor], cache: KeyValueCache | None = None, layer: int = 0,
        room: int = 0,
    ) -> Tensor:  # fmt: skip
        """Return the features after the attention to the tokens before."""
        block = self.block
        own = block.attention(block.attention_norm(x_BTD), angles, None, cache, layer, room)
        out_BTD: Tensor = x_BTD + self.dropout(own)
        return out_BTD

    def looked(self, x_BTD: Tensor, keys_values: tuple[Tensor, Tensor], mask: Tensor) -> Tensor:
        """Return the features after the look at the sentence, and the perceptron."""
        x_BTD = x_BTD + self.dropout(self.cross(self.cross_norm(x_BTD), keys_values, mask))
        return self.block.thought(x_BTD)

    def forward(
        self, x_BTD: Tensor, angles: tuple[Tensor, Tensor], keys_values: tuple[Tensor, Tensor], mask: Tensor
    ) -> Tensor:
        """Return the features after this block."""
        return self.looked(self.gathered(x_BTD, angles), keys_values, mask)


class TranslationCache:
    """Keys and values of the sentences, once each, and of their translations' tokens as they come."""

    def __init__(self, sentences: list[tuple[Tensor, Tensor]], mask: Tensor, room: int) -> None:
        self.sentences, self.mask, self.room = sentences, mask, room
        self.own = KeyValueCache()

    def select(self, kept: Tensor, rows: Tensor) -> None:
        """Go on with the sentences at `kept` and their translations at `rows`."""
        if len(kept) < len(self.mask):
            self.sentences = [(key[kept], value[kept]) for key, value in self.sentences]
            self.mask = self.mask[kept]
        self.own.select(rows)


class TransformerTranslator(nn.Module):
    """Token ids of sentences (B, S) and of what is written of their translations (B, T) -> logits (B, T, V)."""

    def __init__(
        self, num_tokens: int, width: int, depth: int, heads: int, *, context: int, activation: str, dropout: float
    ) -> None:
        super().__init__()
        self.encoder = Transformer(
            num_tokens, width, depth, heads, causal=False, context=context, norm="layer", activation=activation,
            dropout=dropout, attention_dropout=0.0,
        )  # fmt: skip
        self.blocks = nn.ModuleList(
            DecoderBlock(width, heads, activation=activation, dropout=dropout) for _ in range(depth)
        )
        self.norm = make_norm("layer", width)
        for block in self._blocks():
            _initialise(block, width)

    def read(self, source_BS: Tensor) -> tuple[Tensor, Tensor]:
        """Return the features of sentences (B, S, D), and where there is a token (B, 1, 1, S)."""
        real_BS = real_tokens(source_BS)
        return self.encoder(source_BS, real_BS), real_BS[:, None, None, :]

    def written(self, tokens_BT: Tensor, first: int = 0) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return the embeddings of a translation's tokens from the place `first` on, and their rotary angles."""
        x_BTD, angles = self.encoder.embedded(tokens_BT, first, first + tokens_BT.shape[1])
        assert angles is not None
        return x_BTD, angles

    def logits(self, x_BTD: Tensor) -> Tensor:
        """Return the logits (B, T, V) by the table of embeddings."""
        return F.linear(self.norm(x_BTD), self.encoder.embedding.weight)

    def forward(self, source_BS: Tensor, tokens_BT: Tensor) -> Tensor:
        """Return the logits of the token behind each of a translation's."""
        read_BSD, mask = self.read(source_BS)
        x_BTD, angles = self.written(tokens_BT)
        for block in self._blocks():
            x_BTD = block(x_BTD, angles, block.cross.keys_and_values(read_BSD), mask)
        return self.logits(x_BTD)

    def start(self, source_BS: Tensor, beam: int, room: int) -> TranslationCache:
        """Return the cache of sentences; the translations of one are its rows of the queries."""
        read_BSD, mask = self.read(source_BS)
        return TranslationCache([block.cross.keys_and_values(read_BSD) for block in self._blocks()], mask, room)

    def next_logits(self, tokens_R: Tensor, cache: TranslationCache) -> Tensor:
        """Return the logits (R, V) of what follows the last tokens."""
        x_R1D, angles = self.written(tokens_R[:, None], cache.own.length)
        for layer, block in enumerate(self._blocks()):
            x_R1D = block.gathered(x_R1D, angles, cache.own, layer, cache.room)
            x_AKD = x_R1D.view(len(cache.mask), -1, x_R1D.shape[2])
            x_R1D = block.looked(x_AKD, cache.sentences[layer], cache.mask).view_as(x_R1D)
        cache.own.length += 1
        return self.logits(x_R1D)[:, 0]

    def _blocks(self) -> Iterator[DecoderBlock]:
        for block in self.blocks:
            assert isinstance(block, DecoderBlock)
            yield block

    @torch.no_grad()
    def attention_map(self, source_1S: Tensor, tokens_1T: Tensor) -> Tensor:
        """Return how much each token of a translation (rows) looks at each of its sentence, last layer, (T, S)."""
        read_BSD, mask = self.read(source_1S)
        x_BTD, angles = self.written(tokens_1T)
        for block in self._blocks():
            keys_values = block.cross.keys_and_values(read_BSD)
            query = block.cross.queries(block.cross_norm(block.gathered(x_BTD, angles)))
            scores = query @ keys_values[0].transpose(2, 3) / math.sqrt(query.shape[-1])
            x_BTD = block(x_BTD, angles, keys_values, mask)
        return scores.softmax(3).mean(1)[0]


def _initialise(block: DecoderBlock, width: int) -> None:
    """Uniform matrices as in the encoder, and zeros at the end of every part."""
    for module in block.modules():
        if isinstance(module, nn.Linear):
            nn.init.uniform_(module.weight, -math.sqrt(3 / width), math.sqrt(3 / width))
    for last in (block.block.attention.output, block.block.narrow, block.cross.output):
        nn.init.zeros_(last.weight)
