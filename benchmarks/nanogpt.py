"""nanoGPT's CPU setting as a loop of its own, from its published settings (train_shakespeare_char on a MacBook's CPU).

Karpathy 2022: 4 layers, 4 heads, width 128, context 64, batches of 12, 2,000 steps, no dropout; AdamW with betas 0.9
and 0.99, weight decay 0.1 on matrices, 1e-3 falling to 1e-4 by a cosine after 100 steps of warm-up, gradients clipped
to 1; learned positions, layer norms and linear layers without bias, GELU, the head tied to the embedding; weights
normal with 0.02, those that end a residual part divided by the square root of twice the depth.
"""

from __future__ import annotations

import math
import time
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LAYERS, HEADS, WIDTH, CONTEXT, BATCH, STEPS, WARMUP = 4, 4, 128, 64, 12, 2000, 100
RATE, LEAST_RATE, EVERY = 1e-3, 1e-4, 250


class Point(NamedTuple):
    """The validation loss after so many steps and seconds of training; the evaluation's own are not among these."""

    step: int
    seconds: float
    loss: float
    evaluation_seconds: float


class Block(nn.Module):
    """Attention and perceptron, as GPT-2 has them."""

    def __init__(self) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(WIDTH, bias=False), nn.LayerNorm(WIDTH, bias=False)
        self.c_attn = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.c_proj = nn.Linear(WIDTH, WIDTH, bias=False)
        self.c_fc = nn.Linear(WIDTH, 4 * WIDTH, bias=False)
        self.mlp_c_proj = nn.Linear(4 * WIDTH, WIDTH, bias=False)

    def forward(self, x_BTD: Tensor) -> Tensor:
        """Return the features after this block."""
        batch, length, _ = x_BTD.shape
        parts = self.c_attn(self.ln_1(x_BTD)).split(WIDTH, dim=2)
        q, k, v = (part.view(batch, length, HEADS, -1).transpose(1, 2) for part in parts)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x_BTD = x_BTD + self.c_proj(y.transpose(1, 2).reshape(batch, length, WIDTH))
        out_BTD: Tensor = x_BTD + self.mlp_c_proj(F.gelu(self.c_fc(self.ln_2(x_BTD))))
        return out_BTD


class Gpt(nn.Module):
    """The network of the setting, 0.8 million parameters."""

    def __init__(self, num_tokens: int) -> None:
        super().__init__()
        self.wte, self.wpe = nn.Embedding(num_tokens, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        self.blocks = nn.Sequential(*(Block() for _ in range(LAYERS)))
        self.ln_f = nn.LayerNorm(WIDTH, bias=False)
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2:
                std = 0.02 / math.sqrt(2 * LAYERS) if name.endswith("c_proj.weight") else 0.02
                nn.init.normal_(parameter, std=std)

    def forward(self, tokens_BT: Tensor) -> Tensor:
        """Return the logits (B, T, V)."""
        x_BTD = self.wte(tokens_BT) + self.wpe(torch.arange(tokens_BT.shape[1]))
        return self.ln_f(self.blocks(x_BTD)) @ self.wte.weight.T


def rate_at(step: int) -> float:
    """Return the learning rate of a step.

    >>> rate_at(STEPS) == LEAST_RATE
    True
    """
    if step < WARMUP:
        return RATE * (step + 1) / (WARMUP + 1)
    progress = (step - WARMUP) / (STEPS - WARMUP)
    return LEAST_RATE + 0.5 * (1 + math.cos(math.pi * progress)) * (RATE - LEAST_RATE)


@torch.no_grad()
def validation_loss(model: nn.Module, valid: Tensor) -> float:
    """Return the mean loss over windows that cover the whole validation part."""
    count = (len(valid) - 1) // CONTEXT
    x, y = valid[: count * CONTEXT].view(-1, CONTEXT), valid[1 : count * CONTEXT + 1].view(-1, CONTEXT)
    losses = [
        F.cross_entropy(model(some).flatten(0, 1), targets.flatten(), reduction="sum").item()
        for some, targets in zip(x.split(128), y.split(128), strict=True)
    ]
    return sum(losses) / (count * CONTEXT)


def train(text: str, steps: int = STEPS) -> list[Point]:
    """Train on the first nine tenths of `text`, and return the course of the validation loss on the last tenth."""
    torch.manual_seed(1337)
    kinds = {character: place for place, character in enumerate(sorted(set(text)))}
    ids = torch.tensor([kinds[character] for character in text])
    train_part, valid = ids[: int(0.9 * len(ids))], ids[int(0.9 * len(ids)) :]
    model = Gpt(len(kinds))
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    rest = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.99))
    course, seconds = [], 0.0
    for step in range(steps):
        start = time.perf_counter()
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step)
        places = torch.randint(len(train_part) - CONTEXT, (BATCH,))
        x = torch.stack([train_part[place : place + CONTEXT] for place in places])
        y = torch.stack([train_part[place + 1 : place + 1 + CONTEXT] for place in places])
        F.cross_entropy(model(x).flatten(0, 1), y.flatten()).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        seconds += time.perf_counter() - start
        if (step + 1) % EVERY == 0 or step + 1 == steps:
            start = time.perf_counter()
            loss = validation_loss(model, valid)
            course.append(Point(step + 1, seconds, loss, time.perf_counter() - start))
    return course
