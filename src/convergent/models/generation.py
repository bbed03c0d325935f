"""Text from a language model, token by token, with what it has computed kept in a cache.

Top-k: Fan et al. 2018, https://arxiv.org/abs/1805.04833; top-p: Holtzman et al. 2020, https://arxiv.org/abs/1904.09751
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from convergent.models.language_model import LanguageModel
from convergent.types import Sampling


def likely(logits_V: Tensor, sampling: Sampling) -> Tensor:
    """Return probabilities (V) after temperature, top-k and top-p; without temperature the likeliest has all.

    >>> likely(torch.tensor([2.0, 1.0, 0.0]), Sampling(temperature=0)).tolist()
    [1.0, 0.0, 0.0]
    """
    if sampling.temperature == 0:
        return torch.zeros_like(logits_V).index_fill_(0, logits_V.argmax(), 1.0)
    logits_V = logits_V / sampling.temperature
    if sampling.top_k is not None and sampling.top_k < len(logits_V):
        smallest = logits_V.topk(sampling.top_k).values[-1]
        logits_V = logits_V.masked_fill(logits_V < smallest, -math.inf)
    probabilities_V = logits_V.softmax(0)
    if sampling.top_p is not None:
        ordered, places = probabilities_V.sort(descending=True)
        unneeded = ordered.cumsum(0) - ordered >= sampling.top_p
        probabilities_V = probabilities_V.index_fill(0, places[unneeded], 0.0)
    return probabilities_V / probabilities_V.sum()


@torch.inference_mode()
def generate(
    model: LanguageModel, prompt: Sequence[int], sampling: Sampling, end: int, never: Sequence[int] = ()
) -> Iterator[int]:
    """Yield the tokens that follow `prompt` (at least one), up to `sampling.max_tokens` or the token `end`.

    Where the context is full the network goes on from its last half. `never` are tokens that must not be written.
    """
    generator = torch.Generator().manual_seed(sampling.seed)
    most = model.context
    ids = list(prompt if most is None else prompt[-most:])
    cache, new = model.new_cache(), ids
    device = next(model.parameters()).device
    for _ in range(sampling.max_tokens):
        if most is not None and cache.length + len(new) > most:
            cache, new = model.new_cache(), ids[-max(1, most // 2) :]
        logits_V = model(torch.tensor([new], device=device), cache)[0, -1].float().cpu()
        logits_V[list(never)] = -math.inf
        token = int(torch.multinomial(likely(logits_V, sampling), 1, generator=generator))
        if token == end:
            return
        ids.append(token)
        new = [token]
        yield token
