"""Small real trainings of five kinds of network, healthy or with a fault, as people write them by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import convergent as cv
from convergent.types import Finding

Data = tuple[Tensor, Tensor, Tensor, Tensor]
CLASSES = 4


def split(x: Tensor, y: Tensor) -> Data:
    cut = len(x) * 3 // 4
    return x[:cut], y[:cut], x[cut:], y[cut:]


def table() -> Data:
    g = torch.Generator().manual_seed(3)
    y = torch.randint(CLASSES, (640,), generator=g)
    centres = 1.3 * torch.randn(CLASSES, 8, generator=g)
    return split(centres[y] + torch.randn(640, 8, generator=g), y)


def images() -> Data:
    g = torch.Generator().manual_seed(4)
    y = torch.randint(CLASSES, (640,), generator=g)
    patterns = torch.randn(CLASSES, 1, 8, 8, generator=g)
    return split(patterns[y] * 0.8 + torch.randn(640, 1, 8, 8, generator=g), y)


def series() -> Data:
    g = torch.Generator().manual_seed(5)
    y = torch.randint(CLASSES, (640,), generator=g)
    t = torch.arange(16.0)
    phase = 0.5 * torch.rand(640, 1, generator=g)
    wave = torch.sin(t[None] * (0.25 + 0.3 * y[:, None]) + phase)
    x = torch.stack([wave, wave.roll(1, 1)], 2) + 0.3 * torch.randn(640, 16, 2, generator=g)
    return split(x, y)


def tokens() -> Data:
    g = torch.Generator().manual_seed(6)
    y = torch.randint(CLASSES, (640,), generator=g)
    x = torch.randint(20, (640, 12), generator=g)
    keep = torch.rand(640, 12, generator=g) < 0.35
    x[keep] = (20 + y)[:, None].expand(-1, 12)[keep]
    return split(x, y)


class Recurrent(nn.Module):
    def __init__(self, kind: type[nn.LSTM] | type[nn.GRU]) -> None:
        super().__init__()
        self.rnn = kind(2, 32, batch_first=True)
        self.head = nn.Linear(32, CLASSES)

    def forward(self, x_BTD: Tensor) -> Tensor:
        out_BTD, _ = self.rnn(x_BTD)
        logits: Tensor = self.head(out_BTD[:, -1])
        return logits


class Reader(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(24, 32)
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(32, CLASSES)

    def forward(self, x_BT: Tensor) -> Tensor:
        logits: Tensor = self.head(self.encoder(self.embedding(x_BT)).mean(1))
        return logits


def mlp() -> nn.Module:
    return nn.Sequential(
        nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, CLASSES)
    )


def cnn() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.Flatten(), nn.Linear(512, CLASSES),
    )  # fmt: skip


def lstm() -> nn.Module:
    return Recurrent(nn.LSTM)


def gru() -> nn.Module:
    return Recurrent(nn.GRU)


def cross_entropy(output: Tensor, target: Tensor) -> Tensor:
    return F.cross_entropy(output, target)


def adam(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.Adam(model.parameters(), lr=3e-3)


@dataclass(frozen=True)
class Setup:
    """One training; a fault is another value of a field."""

    data: Callable[[], Data]
    model: Callable[[], nn.Module]
    loss: Callable[[Tensor, Tensor], Tensor] = cross_entropy
    optimizer: Callable[[nn.Module], torch.optim.Optimizer] = adam
    epochs: int = 10
    batch_size: int = 32
    shuffle: bool = True
    zero_grad: bool = True
    train_mode: bool = True
    eval_mode: bool = True
    augment: Callable[[Tensor], Tensor] | None = None
    prepare_valid: Callable[[Tensor], Tensor] | None = None
    clip: float | None = None
    accumulate: int = 1
    autocast: bool = False
    schedule: Callable[[torch.optim.Optimizer], torch.optim.lr_scheduler.LRScheduler] | None = None
    seed: int = 0
    extra: dict[str, float] = field(default_factory=dict)

    def with_(self, **changes: object) -> Setup:
        return replace(self, **changes)  # type: ignore[arg-type]


KINDS = {
    "mlp": Setup(table, mlp),
    "cnn": Setup(images, cnn),
    "lstm": Setup(series, lstm, epochs=14),
    "gru": Setup(series, gru, epochs=12),
    "transformer": Setup(tokens, Reader, optimizer=lambda m: torch.optim.AdamW(m.parameters(), lr=1e-3), epochs=12),
}


def run(setup: Setup, *, watched: bool = True) -> tuple[nn.Module, list[Finding]]:
    """Train and return the model and what the doctor found."""
    torch.manual_seed(setup.seed)
    x, y, x_valid, y_valid = setup.data()
    model = setup.model()
    optimizer = setup.optimizer(model)
    doctor = cv.Doctor(model, optimizer) if watched else None
    loop(setup, model, optimizer, doctor, (x, y, x_valid, y_valid))
    return model, doctor.close() if doctor else []


def loop(
    setup: Setup, model: nn.Module, optimizer: torch.optim.Optimizer, doctor: cv.Doctor | None, data: Data
) -> None:
    x, y, x_valid, y_valid = data
    scheduler = setup.schedule(optimizer) if setup.schedule else None
    micro = 0
    for _ in range(setup.epochs):
        model.train(setup.train_mode)
        order = torch.randperm(len(x)) if setup.shuffle else torch.arange(len(x))
        for rows in order.split(setup.batch_size):
            inputs = x[rows] if setup.augment is None else setup.augment(x[rows])
            with torch.autocast("cpu", torch.bfloat16, enabled=setup.autocast):
                loss = setup.loss(model(inputs), y[rows]) / setup.accumulate
            loss.backward()
            micro += 1
            if micro % setup.accumulate:
                continue
            if setup.clip is not None:
                nn.utils.clip_grad_norm_(model.parameters(), setup.clip)
            optimizer.step()
            if setup.zero_grad:
                optimizer.zero_grad()
            if scheduler is not None:
                scheduler.step()
            if doctor is not None:
                doctor.step(loss)
        model.train(not setup.eval_mode)
        with torch.no_grad():
            for inputs, targets in ((x[:300], y[:300]), (x_valid, y_valid)):
                prepared = setup.prepare_valid(inputs) if setup.prepare_valid else inputs
                setup.loss(model(prepared), targets)


def warm_up(steps: int) -> Callable[[torch.optim.Optimizer], torch.optim.lr_scheduler.LRScheduler]:
    def factor(step: int) -> float:
        return min(1.0, (step + 1) / steps) * (0.5 + 0.5 * math.cos(math.pi * min(1.0, step / 300)))

    return lambda optimizer: torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
