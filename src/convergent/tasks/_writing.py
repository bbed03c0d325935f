"""What a language model writes and fills in, and the panels that show it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from convergent.config import Config
from convergent.data.token_stream import IGNORED, TextFeatures
from convergent.data.tokens import END, MASK, PAD, UNKNOWN, Tokenizer, tokenizer_from_json
from convergent.models.generation import generate
from convergent.models.language_model import RecurrentLanguageModel, TransformerLanguageModel
from convergent.models.text_transformer import TransformerClassifier
from convergent.types import DataSpec, Panel, Samples, Sampling, UserError

GAP = "[MASK]"
SPECIMEN = Sampling(max_tokens=120)
CANDIDATES = 5
SHOWN = 12
SEEN_BEFORE = 40
ATTENTION_TOKENS = 24
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def respond(model: nn.Module, spec: DataSpec, config: Config, text: str, sampling: Sampling) -> Iterator[str]:
    """Yield what follows `text`, piece by piece; of a masked model the text with its [MASK]s filled in."""
    tokenizer = tokenizer_from_json(spec.features["tokenizer"])
    if spec.features["masked"]:
        if sampling != Sampling():
            raise UserError(
                f"`{config.model}` fills in {GAP}: it takes no --max-tokens, --temperature, --top-k, --top-p."
            )
        yield from filled(model, tokenizer, text, spec.features["context"])
        return
    assert isinstance(model, TransformerLanguageModel | RecurrentLanguageModel)
    prompt = tokenizer.encode(text) or [END]
    yield from decoded(tokenizer, generate(model, prompt, sampling, END, never=(PAD, UNKNOWN, MASK)))


def decoded(tokenizer: Tokenizer, ids: Iterator[int]) -> Iterator[str]:
    """Yield the text of tokens as they come; a character that needs several tokens waits for the last of them."""
    waiting: list[int] = []
    for token in ids:
        waiting.append(token)
        text = tokenizer.decode(waiting)
        if not text.endswith(REPLACEMENT):
            yield text
            waiting = []
    if waiting:
        yield tokenizer.decode(waiting)


@torch.inference_mode()
def filled(model: nn.Module, tokenizer: Tokenizer, text: str, context: int) -> Iterator[str]:
    """Yield the text with the likeliest token at each [MASK], and a line of candidates for each.

    Raises UserError where the text has no [MASK], or more tokens than the network takes.
    """
    ids: list[int] = []
    for number, part in enumerate(text.split(GAP)):
        ids += [MASK] if number else []
        ids += tokenizer.encode(part)
    if MASK not in ids:
        raise UserError(f"this network fills in {GAP}: put one into the text where a token is missing.")
    if len(ids) > context:
        raise UserError(f"the text has {len(ids)} tokens; the network takes {context}. Give a shorter one.")
    places = [place for place, token in enumerate(ids) if token == MASK]
    logits_TV = model(torch.tensor([ids]))[0].float()
    logits_TV[:, [PAD, UNKNOWN, END, MASK]] = -torch.inf
    probabilities_NV = logits_TV[places].softmax(1)
    best_NK = probabilities_NV.topk(min(CANDIDATES, probabilities_NV.shape[1] - 4))
    for place, token in zip(places, best_NK.indices[:, 0].tolist(), strict=True):
        ids[place] = token
    yield tokenizer.decode(ids)
    for number, (shares, tokens) in enumerate(zip(best_NK.values.tolist(), best_NK.indices.tolist(), strict=True), 1):
        named = [f"{tokenizer.decode([one])!r} {share:.2f}" for one, share in zip(tokens, shares, strict=True)]
        yield f"\n{number}: {', '.join(named)}"


def specimen(model: nn.Module, spec: DataSpec, config: Config) -> str:
    """Return what a causal network writes after a new line; nothing for a masked one."""
    if spec.features["masked"]:
        return ""
    was_training = model.training
    text = "".join(respond(model.eval(), spec, config, "\n", SPECIMEN))
    model.train(was_training)
    return text


def window_panels(samples: Samples, judged_B3: Tensor, spec: DataSpec) -> list[Panel]:
    """Return the share of each token in the training part, and the windows that surprised the network most."""
    tokenizer = tokenizer_from_json(spec.features["tokenizer"])
    return [tokens_panel(tokenizer, spec), surprising_panel(samples, judged_B3, tokenizer)]


def tokens_panel(tokenizer: Tokenizer, spec: DataSpec) -> Panel:
    """Return the most frequent tokens of the training part."""
    counts_V = torch.tensor(spec.features["unigram"], dtype=torch.double)
    shares, tokens = (counts_V / counts_V.sum()).topk(min(30, int((counts_V > 0).sum())))
    labels = [shown(tokenizer, one) for one in tokens.tolist()]
    data = {"labels": labels, "values": (100 * shares).tolist(), "unit": "% of the tokens"}
    return Panel(kind="bars", section="data", title="Most frequent tokens", data=data)


def surprising_panel(samples: Samples, judged_B3: Tensor, tokenizer: Tokenizer) -> Panel:
    """Return the windows of the highest loss a token, with the beginning of their text."""
    loss_B = judged_B3[:, 0] / judged_B3[:, 1].clamp(min=1)
    rows: list[list[Any]] = []
    for index in loss_B.argsort(descending=True)[:SHOWN].tolist():
        (tokens_BT,) = samples.batch(np.array([index])).inputs
        text = tokenizer.decode(tokens_BT[0].tolist())
        rows.append([samples.name(index), round(float(loss_B[index]), 3), shortened(text, 160)])
    data = {"columns": ["window", "loss", "text"], "rows": rows}
    note = "The windows of the judged split with the highest loss, in nats a token."
    return Panel(kind="table", section="mistakes", title="Most surprising texts", note=note, data=data)


def explain(model: nn.Module, samples: Samples, spec: DataSpec, config: Config) -> list[Panel]:
    """Return what one example's tokens look at, and predictions of single tokens."""
    tokenizer = tokenizer_from_json(spec.features["tokenizer"])
    panels = [attention_panel(model, samples, tokenizer)] if isinstance(model, TransformerLanguageModel) else []
    return [*panels, predictions_panel(model, samples, tokenizer, TextFeatures(**spec.features))]


@torch.inference_mode()
def predictions_panel(model: nn.Module, samples: Samples, tokenizer: Tokenizer, features: TextFeatures) -> Panel:
    """Return a few tokens of the judged split with what the network took for likely."""
    indices = np.unique(np.linspace(0, len(samples) - 1, SHOWN).astype(np.int64))
    batch = samples.batch(indices)
    device = next(model.parameters()).device
    probabilities_BTV = model.eval()(batch.inputs[0].to(device)).float().softmax(2).cpu()
    rows: list[list[Any]] = []
    for tokens_T, targets_T, probabilities_TV in zip(batch.inputs[0], batch.targets, probabilities_BTV, strict=True):
        place = int((targets_T != IGNORED).nonzero()[-1])
        end = place if features.masked else place + 1
        before = tokenizer.decode(tokens_T[max(0, end - SEEN_BEFORE) : end].tolist())
        shares, best = probabilities_TV[place].topk(min(3, probabilities_TV.shape[1]))
        said = ", ".join(
            f"{shown(tokenizer, one)} {share:.2f}" for one, share in zip(best.tolist(), shares.tolist(), strict=True)
        )
        target = int(targets_T[place])
        rows.append([f"…{before}", shown(tokenizer, target), said, round(float(probabilities_TV[place, target]), 3)])
    note = "The text before a token, the token that stood there, and the three that the network took for likeliest."
    data = {"columns": ["text before", "token", "predicted", "probability of the token"], "rows": rows}
    return Panel(kind="table", section="result", title="Sample predictions", note=note, data=data)


def attention_panel(
    model: TransformerLanguageModel | TransformerClassifier, samples: Samples, tokenizer: Tokenizer
) -> Panel:
    """Return what the tokens of one example look at in the last layer, mean over the heads."""
    device = next(model.parameters()).device
    tokens_1T = samples.batch(np.array([0])).inputs[0][:, :ATTENTION_TOKENS]
    maps = model.eval().network.attention_maps(tokens_1T.to(device))
    labels = [shown(tokenizer, one) for one in tokens_1T[0].tolist()]
    values = [[round(one, 4) for one in row] for row in maps[-1][0].mean(0).float().tolist()]
    return Panel(
        kind="heatmap",
        section="result",
        title=f"Attention in layer {len(maps)}, the last",
        note="Each row is a token, each column one that it looks at; the mean of all heads.",
        data={"rows": labels, "columns": labels, "values": values},
    )


def shown(tokenizer: Tokenizer, token: int) -> str:
    """Return a token as a label: what cannot be seen gets a sign."""
    if token in (PAD, UNKNOWN, END, MASK):
        return {PAD: "[PAD]", UNKNOWN: "[UNKNOWN]", END: "[END]", MASK: GAP}[token]
    text = tokenizer.decode([token])
    return text.replace("\n", "↵").replace("\t", "⇥").replace(" ", "␣")


def shortened(text: str, most: int) -> str:
    """Return at most `most` characters of a text, on one line.

    >>> shortened("to be", 4)
    'to …'
    """
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"
