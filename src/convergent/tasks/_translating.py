"""What a translator is judged by: the loss of the references, and its own translations beside them.

Outputs are a row a sentence: nats, tokens and right tokens of the reference, whether it was translated, and the ids of
the translation. While it trains only a part of the sentences is translated, greedily; what counts is by beam search.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from convergent.config import Config
from convergent.data.pairs import NOTHING, PairFeatures, as_compared, reference_of, source_of
from convergent.data.tokens import END, MASK, PAD, UNKNOWN, Tokenizer, tokenizer_from_json
from convergent.losses import smoothed_cross_entropy
from convergent.models.beam import translate
from convergent.models.pretrained_translator import PretrainedTranslator
from convergent.models.recurrent_translator import RecurrentTranslator
from convergent.models.translator import TransformerTranslator
from convergent.tasks._bleu import bleu_and_chrf, bleu_of_counts, counts
from convergent.tasks._start_translator import build_translator
from convergent.types import Batch, DataSpec, Metric

IGNORED = -100
NATS, COUNT, RIGHT, TRANSLATED, IDS = range(5)
NEVER = (PAD, UNKNOWN, MASK)
WHILE_TRAINING = 512  # sentences, about, that are translated at an evaluation
ROWS = 256  # translations that are followed at once
PARTS = 1_000  # that sentences are drawn in
PRIME = 1_000_003


Network = TransformerTranslator | RecurrentTranslator | PretrainedTranslator


class Translating(nn.Module):
    """A translator with what its judges need to know.

    context  tokens that it can write
    beam     translations that are followed where the result counts
    share    of the sentences that are translated at an evaluation while it trains
    """

    def __init__(self, network: Network, context: int, beam: int, share: float) -> None:
        super().__init__()
        self.network, self.context, self.beam, self.share = network, context, beam, share

    def forward(self, source_BS: Tensor, tokens_BT: Tensor) -> Tensor:
        """Return the logits (B, T, V) of the token behind each of a translation's."""
        logits_BTV: Tensor = self.network(source_BS, tokens_BT)
        return logits_BTV


def make_network(spec: DataSpec, config: Config) -> Translating:
    """Return the network that the options name."""
    features = PairFeatures.model_validate(spec.features)
    assert config.beam and config.dropout is not None
    size = len(features.unigram)
    network: Network
    if config.model == "pretrained":
        network = build_translator(features, config)
    elif config.model == "gru":
        assert config.width and config.depth
        network = RecurrentTranslator(size, config.width, config.depth, dropout=config.dropout)
    else:
        assert config.width and config.depth and config.heads and config.activation
        network = TransformerTranslator(
            size, config.width, config.depth, config.heads, context=features.context, activation=config.activation,
            dropout=config.dropout,
        )  # fmt: skip
    share = min(1.0, WHILE_TRAINING / max(1, spec.sizes.get("valid", 1)))
    return Translating(network, features.context, config.beam, share)


def answers_of(targets_BW: Tensor, length: int) -> Tensor:
    """Return the tokens that are to be answered at the first `length` places, (B, T), IGNORED where there is none."""
    wanted_BT = targets_BW[:, :length]
    return wanted_BT.masked_fill(wanted_BT < 0, IGNORED)


def translation_loss(smoothing: float) -> Any:
    """Return the loss of logits (B, T, V) and targets (B, W): cross-entropy with smoothing, in nats a token."""

    def loss(logits_BTV: Tensor, targets_BW: Tensor) -> Tensor:
        wanted_BT = answers_of(targets_BW, logits_BTV.shape[1])
        return smoothed_cross_entropy(logits_BTV.flatten(0, 1), wanted_BT.flatten(), smoothing)

    return loss


def judge(model: nn.Module, batch: Batch) -> Tensor:
    """Return what is known of each reference, and greedy translations of a part of the sentences."""
    assert isinstance(model, Translating)
    return _judged(model, batch, chosen(batch.inputs[0], model.share), 1)


def judge_finally(model: nn.Module, batch: Batch) -> Tensor:
    """Return what is known of each reference, and the translation of each sentence by beam search."""
    assert isinstance(model, Translating)
    return _judged(model, batch, torch.ones(len(batch.targets), dtype=torch.bool), model.beam)


def chosen(source_BS: Tensor, share: float) -> Tensor:
    """Return True for a `share` of the sentences (B), by what they say: the same at every evaluation.

    >>> chosen(torch.randint(4, 99, (1000, 9)), 0.5).float().mean().sub(0.5).abs().item() < 0.1
    True
    """
    places_S = torch.arange(1, source_BS.shape[1] + 1, device=source_BS.device)
    mixed_B = ((source_BS + 7) * places_S**3 * (source_BS != PAD)).sum(1) * 7919 % PRIME
    return (mixed_B % PARTS < share * PARTS).cpu()


def _judged(model: Translating, batch: Batch, chosen_B: Tensor, beam: int) -> Tensor:
    source_BS, tokens_BT = batch.inputs
    rows = torch.full((len(source_BS), IDS + model.context), float(NOTHING))
    rows[:, :TRANSLATED] = scored(model(source_BS, tokens_BT), batch.targets).cpu()
    rows[:, TRANSLATED] = chosen_B.float()
    for places in chosen_B.nonzero().flatten().split(max(1, ROWS // beam)):
        some_BS = source_BS[places.to(source_BS.device)]
        some_BS = some_BS[:, : int((some_BS != PAD).sum(1).max())]
        found = translate(model.network, some_BS, beam, model.context, END, NEVER)
        for place, ids in zip(places.tolist(), found, strict=True):
            rows[place, IDS : IDS + len(ids)] = torch.tensor(ids, dtype=torch.float32)
    return rows


def scored(logits_BTV: Tensor, targets_BW: Tensor) -> Tensor:
    """Return nats, tokens and right tokens of each reference, (B, 3)."""
    wanted_BT = answers_of(targets_BW, logits_BTV.shape[1])
    nats_BT = F.cross_entropy(
        logits_BTV.flatten(0, 1).float(), wanted_BT.flatten(), ignore_index=IGNORED, reduction="none"
    ).view_as(wanted_BT)
    known_BT = wanted_BT != IGNORED
    right_BT = (logits_BTV.argmax(2) == wanted_BT) & known_BT
    return torch.stack([nats_BT.sum(1), known_BT.float().sum(1), right_BT.float().sum(1)], 1)


def translation_of(judged_K: Tensor, tokenizer: Tokenizer) -> str:
    """Return the translation in a row of outputs as text."""
    return as_compared(tokenizer.decode([int(one) for one in judged_K[IDS:].tolist() if one >= 0]))


def texts(judged_BK: Tensor, targets_BW: Tensor, spec: DataSpec) -> tuple[list[str], list[str]]:
    """Return translations and references of the sentences that were translated and have a reference."""
    tokenizer = tokenizer_from_json(spec.features["tokenizer"])
    both = (judged_BK[:, TRANSLATED] > 0) & (targets_BW >= 0).any(1)
    answers = [translation_of(row, tokenizer) for row in judged_BK[both]]
    return answers, [as_compared(tokenizer.decode(reference_of(row))) for row in targets_BW[both]]


def bleu_metric(spec: DataSpec) -> Metric:
    """Return BLEU of the sentences that were translated."""
    tokenizer = tokenizer_from_json(spec.features["tokenizer"])

    def contribution(judged_BK: Tensor, targets_BW: Tensor) -> Tensor:
        rows = []
        for judged_K, target_W in zip(judged_BK, targets_BW, strict=True):
            reference = as_compared(tokenizer.decode(reference_of(target_W)))
            known = bool(judged_K[TRANSLATED] > 0)
            rows.append(counts(translation_of(judged_K, tokenizer), reference) if known else [0.0] * 10)
        return torch.tensor(rows, dtype=torch.float64) * len(rows)  # so that the mean over the samples is the sum

    return Metric("bleu", True, contribution, bleu_of_counts)


def metrics(judged_BK: Tensor, targets_BW: Tensor, spec: DataSpec) -> dict[str, float]:
    """Return BLEU, chrF, and perplexity, accuracy and loss (nats) a token of the references."""
    bleu, chrf = bleu_and_chrf(*texts(judged_BK, targets_BW, spec))
    return {"bleu": bleu, "chrf": chrf, **_of_tokens(*judged_BK[:, :TRANSLATED].double().sum(0).tolist())}


def _of_tokens(nats: float, count: float, right: float) -> dict[str, float]:
    loss = nats / max(1.0, count)
    return {"perplexity": math.exp(min(700.0, loss)), "accuracy": right / max(1.0, count), "loss": loss}


def baseline(targets_BW: Tensor, spec: DataSpec) -> dict[str, float]:
    """Return the metrics of copying the sentence; those a token of answering how frequent each token is in training."""
    tokenizer = tokenizer_from_json(spec.features["tokenizer"])
    copies = [as_compared(tokenizer.decode(source_of(row))) for row in targets_BW]
    references = [as_compared(tokenizer.decode(reference_of(row))) for row in targets_BW]
    bleu, chrf = bleu_and_chrf(copies, references)
    counts_V = torch.tensor(spec.features["unigram"], dtype=torch.float64) + 1
    ids_N = targets_BW[targets_BW >= 0]
    nats = -(counts_V / counts_V.sum()).log()[ids_N].sum().item()
    return {"bleu": bleu, "chrf": chrf, **_of_tokens(nats, len(ids_N), int((ids_N == counts_V.argmax()).sum()))}


def decode(judged_BK: Tensor, spec: DataSpec) -> list[dict[str, Any]]:
    """Return the translation of each sentence, none where it was not translated."""
    tokenizer = tokenizer_from_json(spec.features["tokenizer"])
    return [{"translation": translation_of(row, tokenizer)} for row in judged_BK]
