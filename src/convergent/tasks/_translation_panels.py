"""What the report shows of a translator: translations beside references, the worst ones, and where one looked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from convergent.config import Config
from convergent.data.pairs import PairFeatures, PairSamples
from convergent.data.tokens import END, Tokenizer, tokenizer_from_json
from convergent.models.beam import translate
from convergent.models.pretrained_translator import PretrainedTranslator
from convergent.tasks._bleu import sentence_chrf
from convergent.tasks._translating import NEVER, TRANSLATED, Translating, translation_of
from convergent.tasks._writing import shortened, shown
from convergent.types import DataSpec, Panel, Samples

SHOWN = 12
LOOKED_AT = 2_000  # sentences among which the worst are looked for
CHARACTERS = 240
LONGEST_MAP = 24


def draw(samples: Samples, judged_BK: Tensor, targets_BW: Tensor, spec: DataSpec) -> Sequence[Panel]:
    """Return what the pairs are like, some translations beside their references, and the worst."""
    panels = [pairs_panel(spec), lengths_panel(spec)]
    if not isinstance(samples, PairSamples):
        return panels
    tokenizer = tokenizer_from_json(spec.features["tokenizer"])
    known = (judged_BK[:, TRANSLATED] > 0).nonzero().flatten().tolist()[:LOOKED_AT]
    rows = [_row(samples, place, translation_of(judged_BK[place], tokenizer)) for place in known]
    worst = sorted(rows, key=lambda row: float(row[-1]))[:SHOWN]
    spread = [rows[place] for place in np.unique(np.linspace(0, len(rows) - 1, SHOWN).astype(int))] if rows else []
    note = "chrF tells how like the reference it is, from 0 to 100; a good translation may be unlike it."
    return [
        *panels,
        _table("result", "Sample translations", f"Sentences at equal distances of the judged split. {note}", spread),
        _table("mistakes", "Worst translations", f"The lowest chrF of the judged split. {note}", worst),
    ]


def _row(samples: PairSamples, place: int, answer: str) -> list[Any]:
    reference = samples.translation(place)
    texts = (samples.text(place), answer, reference)
    chrf = round(sentence_chrf(answer, reference), 1)
    return [samples.name(place), *(shortened(text, CHARACTERS) for text in texts), chrf]


def _table(section: Any, title: str, note: str, rows: list[list[Any]]) -> Panel:
    data = {"columns": ["pair", "sentence", "translation", "reference", "chrF"], "rows": rows}
    return Panel(kind="table", section=section, title=title, note=note, data=data)


def pairs_panel(spec: DataSpec) -> Panel:
    """Return what the pairs are like and how they were read, as a table."""
    features = PairFeatures.model_validate(spec.features)
    rows: list[list[Any]] = [["tokens", f"{features.tokenizer['kind']}, {len(features.unigram):,} kinds, shared"]]
    for name, column in (("source", features.source), ("target", spec.target)):
        shortest, quarter, middle, three_quarters, longest = features.lengths[name]
        rows.append([
            f"length of `{column}` in training", f"{middle} tokens at the median, {quarter} to {three_quarters} for "
            f"the middle half, {shortest} to {longest} for all",
        ])  # fmt: skip
    cut = ", ".join(f"{count:,} {name}" for name, count in features.cut.items())
    rows.append([f"pairs longer than {features.context} tokens", f"{cut}; those of train are refused, others cut"])
    return Panel(kind="table", section="data", title="Pairs", data={"columns": ["", ""], "rows": rows})


def lengths_panel(spec: DataSpec) -> Panel:
    """Return how long the training translations are."""
    counts = PairFeatures.model_validate(spec.features).histogram
    first = next(iter(counts), 1)
    labels = [f"{last - first + 1} to {last}" for last in counts]
    data = {"labels": labels, "values": [float(count) for count in counts.values()], "unit": "translations"}
    note = "Tokens of the training translations; the last bar holds the longer ones too."
    return Panel(kind="bars", section="data", title="Length of the translations", note=note, data=data)


def explain(model: nn.Module, samples: Samples, spec: DataSpec, config: Config) -> Sequence[Panel]:
    """Return where the tokens of one translation look in their sentence."""
    known = isinstance(model, Translating) and not isinstance(model.network, PretrainedTranslator)
    if not known or not isinstance(model, Translating) or not isinstance(samples, PairSamples) or not len(samples):
        return []
    fitting = np.flatnonzero(samples.lengths.max(1) <= LONGEST_MAP)
    place = int(fitting[0]) if len(fitting) else 0
    return [attention_panel(model, samples, place, tokenizer_from_json(spec.features["tokenizer"]))]


@torch.no_grad()
def attention_panel(model: Translating, samples: PairSamples, place: int, tokenizer: Tokenizer) -> Panel:
    """Return how much each token of the network's own translation looks at each of the sentence."""
    device = next(model.parameters()).device
    source_1S = samples.batch(np.array([place])).inputs[0].to(device)
    (ids,) = translate(model.eval().network, source_1S, 1, model.context, END, NEVER)
    assert not isinstance(model.network, PretrainedTranslator)
    map_TS = model.network.attention_map(source_1S, torch.tensor([[END, *ids]], device=device)).float().cpu()
    written, read = [*ids, END][:LONGEST_MAP], source_1S[0].tolist()[:LONGEST_MAP]
    values = [[round(one, 4) for one in row[: len(read)]] for row in map_TS[: len(written)].tolist()]
    return Panel(
        kind="heatmap",
        section="result",
        title="Where a translation looks",
        note="Each row is a token that was written, each column one of the sentence; the mean of all heads.",
        data={
            "rows": [shown(tokenizer, one) for one in written],
            "columns": [shown(tokenizer, one) for one in read],
            "values": values,
        },
    )
