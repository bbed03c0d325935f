"""BLEU and chrF by sacrebleu, and BLEU as a sum over sentences, so that its interval needs no second translation.

BLEU: Papineni et al. 2002, https://aclanthology.org/P02-1040; as all compare it: Post 2018, https://arxiv.org/abs/1804.08771
chrF: Popović 2015, https://aclanthology.org/W15-3049
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from torch import Tensor

ORDER = 4
SENTENCE_BLEU, SENTENCE_CHRF = BLEU(effective_order=True, force=True), CHRF()


def bleu_and_chrf(answers: Sequence[str], references: Sequence[str]) -> tuple[float, float]:
    """Return BLEU (13a, mixed case, exponential smoothing) and chrF2 of a corpus, both from 0 to 100; 0 of none.

    >>> bleu_and_chrf(["a cat sat on the mat"], ["a cat sat on the mat"])
    (100.0, 100.0)
    """
    if not answers:
        return 0.0, 0.0
    bleu = BLEU(force=True).corpus_score(list(answers), [list(references)]).score
    return min(100.0, bleu), CHRF().corpus_score(list(answers), [list(references)]).score


def sentence_chrf(answer: str, reference: str) -> float:
    """Return chrF2 of one sentence, which single sentences can be compared by."""
    return float(SENTENCE_CHRF.sentence_score(answer, [reference]).score)


def counts(answer: str, reference: str) -> list[float]:
    """Return what BLEU is made from: the lengths of both, and of each order the n-grams found and those there are.

    >>> counts("a b", "a b c")
    [2.0, 3.0, 2.0, 1.0, 0.0, 0.0, 2.0, 1.0, 0.0, 0.0]
    """
    score = SENTENCE_BLEU.sentence_score(answer, [reference])
    return [float(one) for one in (score.sys_len, score.ref_len, *score.counts, *score.totals)]


def bleu_of_counts(counts_RK: Tensor) -> Tensor:
    """Return BLEU (R,) of the summed counts of sentences, (R, 10), as sacrebleu makes it.

    >>> [round(one, 2) for one in bleu_of_counts(torch.tensor([[9.0, 9, 7, 5, 3, 1, 9, 8, 7, 6]])).tolist()]
    [43.17]
    """
    counts_RK = counts_RK.double()
    length_R, wanted_R = counts_RK[:, 0], counts_RK[:, 1]
    right_RN, all_RN = counts_RK[:, 2 : 2 + ORDER], counts_RK[:, 2 + ORDER :]
    missed_RN = (right_RN == 0).double().cumsum(1)
    smoothed_RN = torch.where(right_RN == 0, 0.5**missed_RN, right_RN)
    precision_RN = smoothed_RN / all_RN.clamp(min=1e-12)
    known_R = (all_RN > 0).all(1) & (right_RN > 0).any(1)
    brevity_R = torch.where(length_R < wanted_R, (1 - wanted_R / length_R.clamp(min=1e-12)).exp(), 1.0)
    return torch.where(known_R, 100 * brevity_R * precision_RN.log().mean(1).exp(), 0.0)
