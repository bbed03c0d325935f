"""A pretrained network under a fresh head that says the class of a text: Howard and Ruder 2018, arXiv 1801.06146.

What it says of the tokens becomes one vector: the mean over them (Reimers and Gurevych 2019, arXiv 1908.10084), or what
stands at the last one where each token sees those before it alone (Radford et al. 2018).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn

from convergent.models.language_model import LanguageModel, RecurrentLanguageModel
from convergent.models.sequence import masked_mean, real_tokens
from convergent.models.transformer import Transformer

HEAD_STD = 0.02


class TransformersEncoder(nn.Module):
    """A network of transformers: token ids (B, T) -> features (B, T, D).

    table  the network's id of each of ours
    """

    def __init__(self, network: nn.Module, table: Sequence[int]) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("table", torch.tensor(table), persistent=False)
        described: Any = network.config
        self.width = int(described.hidden_size)
        self.causal = is_causal(network)

    def forward(self, tokens_BT: Tensor, real_BT: Tensor) -> Tensor:
        """Return the features; padding is not looked at."""
        assert isinstance(self.table, Tensor)
        read = self.network(input_ids=self.table[tokens_BT], attention_mask=real_BT.long())
        features_BTD: Tensor = read.last_hidden_state
        return features_BTD


@torch.no_grad()
def is_causal(network: nn.Module) -> bool:
    """Return whether a token sees those before it alone: another last token then changes nothing at the first."""
    was_training = network.training
    network.eval()
    first, other = (network(input_ids=torch.tensor([[5, 6, last]])).last_hidden_state[:, 0] for last in (7, 8))
    network.train(was_training)
    return torch.allclose(first, other, rtol=0, atol=1e-6)


class LanguageEncoder(nn.Module):
    """A language model of ours without its head: token ids (B, T) -> features (B, T, D)."""

    def __init__(self, model: LanguageModel) -> None:
        super().__init__()
        self.width = model.head.in_features
        del model.head
        self.model = model
        self.causal = isinstance(model, RecurrentLanguageModel) or model.network.causal

    def forward(self, tokens_BT: Tensor, real_BT: Tensor) -> Tensor:
        """Return the features; padding is not looked at."""
        if isinstance(self.model.network, Transformer):
            features_BTD: Tensor = self.model.network(tokens_BT, real_BT)
            return features_BTD
        return self.model.features(tokens_BT)


class EncoderClassifier(nn.Module):
    """Token ids (B, T) -> logits (B, C).

    frozen  the encoder stays as it is, without dropout and without gradients
    """

    def __init__(
        self, encoder: TransformersEncoder | LanguageEncoder, num_classes: int, *, dropout: float, frozen: bool
    ) -> None:
        super().__init__()
        self.encoder, self.frozen = encoder, frozen
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(encoder.width, num_classes)
        nn.init.normal_(self.head.weight, std=HEAD_STD)
        nn.init.zeros_(self.head.bias)
        if frozen:
            encoder.requires_grad_(False)

    def train(self, mode: bool = True) -> Self:
        """Set the mode; a frozen encoder stays in that of evaluation."""
        super().train(mode)
        if self.frozen:
            self.encoder.eval()
        return self

    def forward(self, tokens_BT: Tensor) -> Tensor:
        """Return the logits."""
        real_BT = real_tokens(tokens_BT)
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            features_BTD = self.encoder(tokens_BT, real_BT)
        if self.encoder.causal:
            last_B = real_BT.sum(1) - 1
            pooled_BD = features_BTD[torch.arange(len(last_B), device=last_B.device), last_B]
        else:
            pooled_BD = masked_mean(features_BTD, real_BT)
        logits_BC: Tensor = self.head(self.dropout(pooled_BD))
        return logits_BC

    def layers_above(self) -> dict[str, int]:
        """Return how many layers lie above each parameter: 0 for the head, most for the embeddings."""
        return {"head.weight": 0, "head.bias": 0} | {
            f"encoder.{name}": 1 + level for name, level in layer_levels(self.encoder).items()
        }


def layer_levels(network: nn.Module) -> dict[str, int]:
    """Return for each parameter how many layers of the network's longest stack lie above its own.

    What stands before the stack (embeddings) lies below all of them; what stands behind it, beside the last.

    >>> stack = nn.Sequential(nn.Embedding(9, 2), nn.ModuleList([nn.Linear(2, 2, bias=False) for _ in range(3)]))
    >>> layer_levels(stack)
    {'0.weight': 3, '1.0.weight': 2, '1.1.weight': 1, '1.2.weight': 0}
    """
    stacks = [(name, module) for name, module in network.named_modules() if isinstance(module, nn.ModuleList)]
    path, stack = max(stacks, key=lambda pair: len(pair[1]), default=("", []))
    levels: dict[str, int] = {}
    passed = not stacks
    for name, _ in network.named_parameters():
        within = name.startswith(f"{path}.") and bool(stacks)
        passed = passed or within
        if within:
            levels[name] = len(stack) - 1 - int(name.removeprefix(f"{path}.").split(".", 1)[0])
        else:
            levels[name] = 0 if passed else len(stack)
    return levels
