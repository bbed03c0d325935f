"""Which words mattered: what the network would say of a text without each of them. What texts are like, as a table.

Occlusion: Zeiler and Fergus 2014, https://arxiv.org/abs/1311.2901; of words: Li et al. 2016, arXiv 1612.08220.
It needs no gradient, so it holds for any network and any tokeniser.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from convergent.config import Config
from convergent.data.text import TextFeatures, TextSamples
from convergent.data.tokens import tokenizer_from_json
from convergent.models.ensemble import Ensemble
from convergent.models.text_transformer import TransformerClassifier
from convergent.tasks import _writing
from convergent.types import DataSpec, Panel, Samples

LOOKED_AT = 512
NUM_TEXTS = 10
MOST_WORDS = 60
WORD = re.compile(r"\S+")


def explain(model: nn.Module, samples: Samples, spec: DataSpec, config: Config) -> Sequence[Panel]:
    """Return texts with the words that spoke for and against the network's answer, and what a Transformer looks at."""
    if not isinstance(samples, TextSamples) or not len(samples):
        return []
    indices = np.arange(min(LOOKED_AT, len(samples)))
    probabilities_BC = _log_probabilities(model, samples, indices).exp()
    chosen = chosen_texts(probabilities_BC, samples.targets_N[: len(indices)])
    items = [_item(model, samples, index, spec) for index in chosen]
    note = (
        "Each word is left out in turn. Blue words speak for the answer: without them it is less likely; orange ones "
        "speak against it. The stronger, the more."
    )
    words = Panel(kind="texts", section="result", title="Words that mattered", note=note, data={"items": items})
    first = model.members[0] if isinstance(model, Ensemble) else model
    if not isinstance(first, TransformerClassifier):
        return [words]
    tokenizer = tokenizer_from_json(TextFeatures.model_validate(spec.features).tokenizer)
    return [words, _writing.attention_panel(first, samples, tokenizer)]


def chosen_texts(probabilities_BC: Tensor, targets_B: Tensor) -> list[int]:
    """Return texts of all classes that were judged rightly, and as many that were judged wrongly, the surest first.

    >>> chosen_texts(torch.tensor([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]]), torch.tensor([0, 1, 1]))
    [0, 2, 1]
    """
    confidence_B, predicted_B = probabilities_BC.max(1)
    surest = confidence_B.argsort(descending=True, stable=True).tolist()
    right = [index for index in surest if predicted_B[index] == targets_B[index]]
    wrong = [index for index in surest if predicted_B[index] != targets_B[index]]
    taken: dict[int, int] = {}
    rank = []
    for index in right:
        label = int(targets_B[index])
        taken[label] = taken.get(label, 0) + 1
        rank.append((taken[label], index))
    order = [index for _, index in sorted(rank, key=lambda pair: pair[0])]
    return order[: NUM_TEXTS // 2] + wrong[: NUM_TEXTS // 2]


def _item(model: nn.Module, samples: TextSamples, index: int, spec: DataSpec) -> dict[str, Any]:
    classes = spec.classes or []
    text = samples.text(index)
    words, weights, answer, probability = words_that_mattered(model, text, spec)
    true = classes[int(samples.targets_N[index])] if samples.targets_N[index] >= 0 else "unknown"
    caption = f"{classes[answer]} {probability:.2f}" + ("" if true == classes[answer] else f", true: {true}")
    rest = " ..." if len(WORD.findall(text)) > len(words) else ""
    pairs = [[word, weight] for word, weight in zip(words, weights, strict=True)]
    return {"caption": caption, "detail": samples.name(index), "words": pairs, "rest": rest}


def words_that_mattered(model: nn.Module, text: str, spec: DataSpec) -> tuple[list[str], list[float], int, float]:
    """Return (words, what each adds to the log-probability of the answer, the answer, its probability).

    Of a long text the first words are looked at.
    """
    features = TextFeatures.model_validate(spec.features)
    places = [match.span() for match in WORD.finditer(text)][:MOST_WORDS]
    texts = [text] + [text[:first] + text[last:] for first, last in places]
    tokenizer = tokenizer_from_json(features.tokenizer)
    samples = TextSamples(texts, texts, np.full(len(texts), -1), tokenizer, features.context)
    log_BC = _log_probabilities(model, samples, np.arange(len(texts)))
    answer = int(log_BC[0].argmax())
    weights_W = log_BC[0, answer] - log_BC[1:, answer]
    words = [text[first:last] for first, last in places]
    return words, [round(value, 4) for value in weights_W.tolist()], answer, float(log_BC[0, answer].exp())


@torch.no_grad()
def _log_probabilities(model: nn.Module, samples: TextSamples, indices: np.ndarray) -> Tensor:
    """Return log-probabilities (B, C) of the texts at `indices`, in that order, on the CPU."""
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    parts = []
    try:
        for part in np.array_split(indices, -(-len(indices) // 64)):
            (tokens_BT,) = samples.batch(part).inputs
            parts.append(model(tokens_BT.to(device)).float().log_softmax(1).cpu())
    finally:
        model.train(was_training)
    return torch.cat(parts)


def texts_panel(spec: DataSpec) -> Panel:
    """Return what the texts are like and how they were read, as a table."""
    features = TextFeatures.model_validate(spec.features)
    shortest, quarter, middle, three_quarters, longest = features.lengths
    size = tokenizer_from_json(features.tokenizer).size
    cut = ", ".join(f"{count:,} of {spec.sizes[name]:,} {name}" for name, count in features.cut.items())
    rows: list[list[Any]] = [
        ["tokens", f"{features.tokenizer['kind']}, {size:,} kinds"],
        ["length of the training texts", f"{middle} tokens at the median, {quarter} to {three_quarters} for the middle "
         f"half, {shortest} to {longest} for all"],
        ["read of a text", f"{features.context} tokens; longer: {cut}"],
        ["unknown tokens in validation", f"{features.unknown:.1%}"],
    ]  # fmt: skip
    data = {"columns": ["", ""], "rows": rows}
    return Panel(kind="table", section="data", title="Texts", data=data)


def lengths_panel(spec: DataSpec) -> Panel:
    """Return how long the training texts are."""
    features = TextFeatures.model_validate(spec.features)
    ends = list(features.histogram)
    labels = [f"{last - ends[0] + 1} to {last}" for last in ends]
    if features.lengths[-1] > ends[-1]:
        labels[-1] = f"{ends[-1] - ends[0] + 1} or more"
    data = {"labels": labels, "values": [float(count) for count in features.histogram.values()], "unit": "texts"}
    note = "Tokens of the training texts, before they are cut."
    return Panel(kind="bars", section="data", title="Length of the texts", note=note, data=data)
