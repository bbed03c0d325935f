"""An encoder-decoder network of transformers as a translator: T5 (Raffel et al. 2020), BART (Lewis et al. 2020).

Its vocabulary is seen through ours, in which the ids of padding, unknown and end are the same for every network.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from convergent.models.sequence import real_tokens


class PretrainedCache:
    """The sentences as they were read, a row for each translation, and the keys and values of its tokens."""

    def __init__(self, read_RSD: Tensor, real_RS: Tensor) -> None:
        from transformers import DynamicCache, EncoderDecoderCache

        self.read_RSD, self.real_RS, self.length = read_RSD, real_RS, 0
        self.past = EncoderDecoderCache(DynamicCache(), DynamicCache())

    def select(self, kept: Tensor, rows: Tensor) -> None:
        """Go on with the translations at `rows`; those of the sentences at `kept` are all that are left."""
        self.read_RSD, self.real_RS = self.read_RSD[rows], self.real_RS[rows]
        self.past.reorder_cache(rows)  # type: ignore[arg-type]  # it is one, of whatever class


class PretrainedTranslator(nn.Module):
    """Token ids of sentences (B, S) and of what is written of their translations (B, T) -> logits (B, T, V).

    table  the network's id of each of ours, a permutation
    first  the network's id that stands in front of a translation
    """

    def __init__(self, network: nn.Module, table: Sequence[int], first: int) -> None:
        super().__init__()
        self.network, self.first = network, first
        # Newer networks call it by another name.
        self._cache = "cache" if "cache" in inspect.signature(network.forward).parameters else "past_key_values"
        self.register_buffer("table", torch.tensor(table), persistent=False)

    def _theirs(self, tokens_BT: Tensor, *, begins: bool) -> Tensor:
        assert isinstance(self.table, Tensor)
        ids_BT = self.table[tokens_BT]
        if begins:
            ids_BT[:, 0] = self.first
        return ids_BT

    def read(self, source_BS: Tensor) -> tuple[Tensor, Tensor]:
        """Return the features of sentences (B, S, D), and where there is a token (B, S)."""
        real_BS = real_tokens(source_BS).long()
        network: Any = self.network
        encoded = network.get_encoder()(input_ids=self._theirs(source_BS, begins=False), attention_mask=real_BS)
        return encoded.last_hidden_state, real_BS

    def _logits(self, read_BSD: Tensor, real_BS: Tensor, ids_BT: Tensor, **options: Any) -> Tensor:
        from transformers.modeling_outputs import BaseModelOutput

        encoded = BaseModelOutput(last_hidden_state=read_BSD)
        out = self.network(encoder_outputs=encoded, attention_mask=real_BS, decoder_input_ids=ids_BT, **options)
        logits_BTV: Tensor = out.logits[..., self.table]
        return logits_BTV

    def forward(self, source_BS: Tensor, tokens_BT: Tensor) -> Tensor:
        """Return the logits of the token behind each of a translation's."""
        return self._logits(*self.read(source_BS), self._theirs(tokens_BT, begins=True), use_cache=False)

    def start(self, source_BS: Tensor, beam: int, room: int) -> PretrainedCache:
        """Return the cache of sentences, `beam` rows for each."""
        read_BSD, real_BS = self.read(source_BS)
        return PretrainedCache(read_BSD.repeat_interleave(beam, 0), real_BS.repeat_interleave(beam, 0))

    def next_logits(self, tokens_R: Tensor, cache: PretrainedCache) -> Tensor:
        """Return the logits (R, V) of what follows the last tokens."""
        ids_R1 = self._theirs(tokens_R[:, None], begins=cache.length == 0)
        cache.length += 1
        options = {self._cache: cache.past, "use_cache": True}
        return self._logits(cache.read_RSD, cache.real_RS, ids_R1, **options)[:, -1]
