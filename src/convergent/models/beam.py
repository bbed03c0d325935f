"""Beam search: the translations of a batch of sentences that a network takes for likeliest, with its cache.

The score of a translation is its log-probability over its length to the power of ALPHA: else short ones win
(Wu et al. 2016, https://arxiv.org/abs/1609.08144, section 7). A beam of one is the greedy choice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from convergent.models.sequence import real_tokens

ALPHA = 1.0
MOST_GROWTH, MORE = 2, 10  # a translation has at most so many times its sentence's tokens, and so many more


class Translator(Protocol):
    """What a search needs of a network: sentences are read once, then each token costs one call."""

    def start(self, source_BS: Tensor, beam: int, room: int) -> Any:
        """Return a cache of the sentences and of `beam` translations of each, with room for so many tokens.

        `select(kept, rows)` goes on with the sentences at `kept` and their translations at `rows`, some of them several
        times, some not at all.
        """
        ...

    def next_logits(self, tokens_R: Tensor, cache: Any) -> Tensor:
        """Return the logits (R, V) of what follows the last tokens."""
        ...


class Search:
    """Where the search stands: K unfinished translations for each of the A sentences that are not done.

    sentence_A   which sentence of the batch each is
    tokens_AKT   what has been written, END first
    scores_AK    the log-probabilities; -inf where there is no translation yet
    best_B       the best score of a finished translation of each sentence of the batch, found_B the translation
    """

    def __init__(self, count: int, beam: int, end: int, device: torch.device) -> None:
        self.sentence_A = torch.arange(count, device=device)
        self.tokens_AKT = torch.full((count, beam, 1), end, device=device)
        self.scores_AK = torch.full((count, beam), -math.inf, device=device)
        self.scores_AK[:, 0] = 0.0
        self.best_B = torch.full((count,), -math.inf, device=device)
        self.finished_B = torch.zeros(count, dtype=torch.long, device=device)
        self.found_B: list[list[int]] = [[] for _ in range(count)]

    def finish(self, ends_AN: Tensor, scores_AN: Tensor, parents_AN: Tensor, length: int) -> None:
        """Note finished translations: where `ends_AN`, of these scores, continuing those at `parents_AN`."""
        normalised_AN = torch.where(ends_AN, scores_AN / length**ALPHA, -math.inf)
        best_A, place_A = normalised_AN.max(1)
        self.finished_B[self.sentence_A] += ends_AN.sum(1)
        better = (best_A > self.best_B[self.sentence_A]).nonzero().flatten()
        self.best_B[self.sentence_A[better]] = best_A[better]
        rows_NT = self.tokens_AKT[better, parents_AN[better, place_A[better]], 1:].tolist()
        for sentence, row in zip(self.sentence_A[better].tolist(), rows_NT, strict=True):
            self.found_B[sentence] = row


@torch.no_grad()
def translate(
    model: Translator, source_BS: Tensor, beam: int, most: int, end: int, never: Sequence[int]
) -> list[list[int]]:
    """Return the best translation of each sentence, as ids without their end.

    most   tokens that the network can write
    never  tokens that must not be written
    """
    lengths_B = real_tokens(source_BS).sum(1)
    limits_B = (MOST_GROWTH * lengths_B + MORE).clamp(max=most)
    search = Search(len(source_BS), beam, end, source_BS.device)
    room = int(limits_B.max())
    cache = model.start(source_BS, beam, room)
    for length in range(1, room + 1):
        logits_RV = model.next_logits(search.tokens_AKT[:, :, -1].flatten(), cache).float()
        logits_RV[:, list(never)] = -math.inf
        kept_A, rows_R = _step(search, logits_RV, end, length, limits_B)
        if not len(kept_A):
            break
        cache.select(kept_A, rows_R)
    return search.found_B


def _step(search: Search, logits_RV: Tensor, end: int, length: int, limits_B: Tensor) -> tuple[Tensor, Tensor]:
    """Write one token; return which sentences go on, and the rows of the cache that do, beam by beam."""
    beam = search.scores_AK.shape[1]
    most = min(2 * beam, logits_RV.shape[1])  # twice as many: half of them may be ends
    best_RN, ids_RN = logits_RV.topk(most)
    best_RN = best_RN - logits_RV.logsumexp(1, keepdim=True)
    total_AM = (search.scores_AK[:, :, None] + best_RN.view(-1, beam, most)).flatten(1)
    scores_AN, places_AN = total_AM.topk(min(2 * beam, total_AM.shape[1]))
    parents_AN, tokens_AN = places_AN // most, ids_RN.view(total_AM.shape).gather(1, places_AN)
    ends_AN = tokens_AN == end
    ends_AN[:, beam:] = False
    search.finish(ends_AN & scores_AN.isfinite(), scores_AN, parents_AN, length)
    open_AN = scores_AN.masked_fill(tokens_AN == end, -math.inf)
    scores_AK, chosen_AK = open_AN.topk(beam)
    parents_AK, tokens_AK = parents_AN.gather(1, chosen_AK), tokens_AN.gather(1, chosen_AK)
    written_AKT = search.tokens_AKT.gather(1, parents_AK[:, :, None].expand(-1, -1, search.tokens_AKT.shape[2]))
    search.tokens_AKT = torch.cat([written_AKT, tokens_AK[:, :, None]], 2)
    search.scores_AK = scores_AK
    return _go_on(search, parents_AK, length, limits_B)


def _go_on(search: Search, parents_AK: Tensor, length: int, limits_B: Tensor) -> tuple[Tensor, Tensor]:
    """Let go of sentences that are done: enough translations, none that could be better, or no more room."""
    beam, limits_A = parents_AK.shape[1], limits_B[search.sentence_A]
    full_A = length >= limits_A
    unfinished_A = full_A & search.best_B[search.sentence_A].isinf()
    if unfinished_A.any():  # what has not come to its end is cut there
        at = torch.zeros_like(search.scores_AK, dtype=torch.bool)
        at[:, 0] = unfinished_A
        search.finish(at, search.scores_AK, torch.arange(beam, device=at.device).expand_as(at), length)
    hopeful_A = search.scores_AK[:, 0] / limits_A**ALPHA > search.best_B[search.sentence_A]
    going = (~full_A & hopeful_A & (search.finished_B[search.sentence_A] < beam)).nonzero().flatten()
    rows = going[:, None] * beam + parents_AK[going]
    search.sentence_A, search.tokens_AKT = search.sentence_A[going], search.tokens_AKT[going]
    search.scores_AK = search.scores_AK[going]
    return going, rows.flatten()
