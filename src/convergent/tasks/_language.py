"""Language models as options name them, and what they are judged by.

No (samples, tokens, vocabulary) logits are ever held at once.
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from convergent.config import Config
from convergent.data.token_stream import IGNORED
from convergent.models.language_model import LanguageModel, RecurrentLanguageModel, TransformerLanguageModel
from convergent.models.transformer import Transformer
from convergent.types import Batch, DataSpec, Metric

MOST_LOGITS = 1 << 24  # that are held at once
NATS, COUNT, RIGHT = range(3)


def make_network(num_tokens: int, config: Config) -> LanguageModel:
    """Return the language model that the options name: tokens (B, T) -> logits (B, T, V)."""
    assert config.width and config.depth and config.heads and config.context and config.dropout is not None
    if config.model in ("lstm", "gru"):
        return RecurrentLanguageModel(config.model, num_tokens, config.width, config.depth, dropout=config.dropout)
    assert config.positions and config.activation
    network = Transformer(
        num_tokens, config.width, config.depth, config.heads, causal=config.model != "bert", context=config.context,
        positions=config.positions, norm="layer", activation=config.activation, dropout=config.dropout,
    )  # fmt: skip
    return TransformerLanguageModel(network, num_tokens, config.width)


def next_token_loss(logits_BTV: Tensor, targets_BT: Tensor) -> Tensor:
    """Return the mean cross-entropy in nats a token; targets of -100 do not count."""
    return F.cross_entropy(logits_BTV.flatten(0, 1).float(), targets_BT.flatten(), ignore_index=IGNORED)


def judge(model: nn.Module, batch: Batch) -> Tensor:
    """Return for each window (B, 3): its summed negative log-likelihood in nats, targets, and right answers."""
    assert isinstance(model, TransformerLanguageModel | RecurrentLanguageModel)
    features_BTD = model.features(batch.inputs[0])
    rows = max(1, MOST_LOGITS // (features_BTD.shape[1] * model.head.out_features))
    parts = zip(features_BTD.split(rows), batch.targets.split(rows), strict=True)
    return torch.cat([_judged(model.head(some), targets) for some, targets in parts])


def _judged(logits_BTV: Tensor, targets_BT: Tensor) -> Tensor:
    nats_BT = F.cross_entropy(
        logits_BTV.flatten(0, 1).float(), targets_BT.flatten(), ignore_index=IGNORED, reduction="none"
    ).view_as(targets_BT)
    known_BT = targets_BT != IGNORED
    right_BT = (logits_BTV.argmax(2) == targets_BT) & known_BT
    return torch.stack([nats_BT.double().sum(1), known_BT.double().sum(1), right_BT.double().sum(1)], 1).float()


def perplexity_metric() -> Metric:
    """Return perplexity, the exponential of the mean loss over all tokens: each window weighs as its tokens do."""

    def contribution(judged_B3: Tensor, targets_BT: Tensor) -> Tensor:
        return judged_B3[:, NATS].double() / judged_B3[:, COUNT].double().mean()

    return Metric("perplexity", False, contribution, torch.exp)


def metrics(judged_B3: Tensor, targets_BT: Tensor, spec: DataSpec) -> dict[str, float]:
    """Return perplexity a token, bits a character, accuracy, and the loss in nats a token."""
    nats, count, right = judged_B3.double().sum(0).tolist()
    characters = float(np.array(spec.features["lengths"])[targets_BT[targets_BT != IGNORED].numpy()].sum())
    loss = nats / max(1.0, count)
    return {
        "perplexity": math.exp(min(700.0, loss)),
        "bits_per_character": nats / math.log(2) / max(1.0, characters),
        "accuracy": right / max(1.0, count),
        "loss": loss,
    }


def baseline(targets_BT: Tensor, spec: DataSpec) -> dict[str, float]:
    """Return the metrics of always answering with how frequent each token is in the training part."""
    counts_V = torch.tensor(spec.features["unigram"], dtype=torch.float64) + 1
    logs_V = (counts_V / counts_V.sum()).log()
    known_BT = targets_BT != IGNORED
    nats_BT = -logs_V[targets_BT.clamp(min=0)] * known_BT
    right_BT = (targets_BT == counts_V.argmax()) & known_BT
    return metrics(torch.stack([nats_BT.sum(1), known_BT.sum(1), right_BT.sum(1)], 1), targets_BT, spec)
