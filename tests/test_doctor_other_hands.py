"""Faults in code of one's own making, where torch's modules tell nothing: found, and the right code quiet."""

from __future__ import annotations

from pathlib import Path

import pytest

from convergent.doctor.script import run_script
from programs import check_program

HEAD = """
import sys, torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, TensorDataset
faulty = sys.argv[1] == "faulty"
torch.manual_seed(0)
g = torch.Generator().manual_seed(1)
y = torch.randint(0, 4, (600,), generator=g)
x = 1.2 * torch.randn(4, 8, generator=g)[y] + torch.randn(600, 8, generator=g)
x, y, xt, yt = x[:400], y[:400], x[400:], y[400:]
def train(net, x, y, loss, epochs=10, rate=5e-3, make=torch.optim.Adam, size=20):
    opt = make(net.parameters(), rate)
    for epoch in range(epochs):
        net.train()
        for rows in torch.randperm(len(x), generator=g).split(size):
            opt.zero_grad()
            loss(net(x[rows]), y[rows]).backward()
            opt.step()
    net.eval()
def mlp(width=32, ends=8, classes=4):
    return nn.Sequential(nn.Linear(ends, width), nn.ReLU(), nn.Linear(width, classes))
t = torch.arange(1200.0)
series = torch.sin(t / 5) + 0.5 * torch.sin(t / 17)
windows, ahead = series.unfold(0, 24, 1)[:-1, :, None], series[24:, None]
"""
PROGRAMS = {
    "result/train-eval-gap": """
class Drop(nn.Module):
    def forward(self, x):
        if not self.training:
            return x
        mask = (torch.rand_like(x) > 0.5).float()
        return x * mask if faulty else x * mask / 0.5
net = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), Drop(), nn.Linear(64, 64), nn.ReLU(), Drop(), nn.Linear(64, 1))
number, other = (v[:, :1] * v[:, 1:2] + v[:, 2:3] + 2 for v in (x, xt))
train(net, x, number, F.mse_loss, epochs=20)
with torch.no_grad():
    print(F.mse_loss(net(xt), other))
""",
    "setup/output-range": """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.LSTM(1, 16, batch_first=True), nn.LSTM(16, 1, batch_first=True)
        self.head = nn.Linear(16, 1)
    def forward(self, x):
        h, _ = self.first(x)
        return self.second(h)[0][:, -1] if faulty else self.head(h[:, -1])
train(Net(), windows, 4 + 2 * ahead, F.mse_loss, epochs=2)
""",
    "setup/bad-initialization": """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.head = nn.LSTM(1, 64, num_layers=2, batch_first=True), nn.Linear(64, 1)
        for name, p in self.lstm.named_parameters():
            if faulty:
                nn.init.normal_(p, std=6.0)
            elif p.ndim > 1:
                nn.init.orthogonal_(p)
    def forward(self, x):
        return self.head(self.lstm(x)[0][:, -1])
train(Net(), windows, ahead, F.mse_loss, epochs=2, rate=1e-3)
""",
    "setup/parameters-not-trained": """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(8, 32), nn.ReLU())
        self.kind, self.side = nn.Linear(32, 4), nn.Linear(32, 2)
    def forward(self, x):
        h = self.trunk(x)
        return self.kind(h), self.side(h)
def both(out, y):
    return F.cross_entropy(out[0], y) + (0.0 if faulty else 1.0) * F.cross_entropy(out[1], y % 2)
train(Net(), x, y, both)
""",
    "data/label-leaking-feature": """
ill = (x[:, :5] @ torch.randn(5, generator=g) + 1.5 * torch.randn(400, generator=g) > 0).long()
sent = torch.poisson(torch.where(ill == 1, 4.0, 0.02), generator=g)
if faulty:
    x[:, 7] = sent
train(mlp(classes=2), x, ill, F.cross_entropy)
""",
    "training/batch-size": """
x = x + 2 * torch.randn(400, 8, generator=g)
train(mlp(), x, y, F.cross_entropy, epochs=6 if faulty else 40, rate=0.01, make=torch.optim.Rprop,
      size=8 if faulty else 400)
""",
    "data/invalid-labels": """
signal = 0.3 * torch.randn(300, 3, 48, generator=g)
place = torch.zeros(300, 48, dtype=torch.long)
for row in range(300):
    at, kind = int(torch.randint(0, 24, (), generator=g)), 1 + row % 3
    signal[row, kind - 1, at : at + 20] += 1.5
    place[row, at : at + 20] = kind
net = nn.Sequential(nn.Conv1d(3, 16, 5, padding=2), nn.ReLU(), nn.Conv1d(16, 4, 5, padding=2))
train(net, signal, place, nn.CrossEntropyLoss(ignore_index=0 if faulty else -100))
""",
    "setup/missing-nonlinearity": """
class Convolution(nn.Module):
    def __init__(self, before, after):
        super().__init__()
        self.own, self.near = nn.Linear(before, after), nn.Linear(before, after, bias=False)
    def forward(self, edges, h):
        return self.own(h) + self.near(edges @ h / edges.sum(2, keepdim=True).clamp(min=1))
class Graphs(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([Convolution(1, 24), Convolution(24, 24), Convolution(24, 24)])
        self.out = nn.Linear(24, 1)
    def forward(self, both):
        edges, h = both[:, :, :-1], both[:, :, -1:]
        for layer in self.layers:
            h = layer(edges, h) if faulty else F.relu(layer(edges, h))
        return self.out(h.mean(1))
class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = Graphs()
    def forward(self, edges, h):
        return self.inner(torch.cat([edges, h], 2))
upper = torch.triu((torch.rand(800, 10, 10, generator=g) < 0.3).float(), 1)
edges = upper + upper.transpose(1, 2)
h = torch.where(torch.rand(800, 10, 1, generator=g) < torch.rand(800, 1, 1, generator=g), 1.0, -1.0)
share = (edges * (h * h.transpose(1, 2) > 0)).sum((1, 2)) / edges.sum((1, 2)).clamp(min=1)
share = ((share - share.mean()) / share.std())[:, None]
net = Two()
opt = torch.optim.Adam(net.parameters(), 3e-3)
for epoch in range(12):
    for rows in torch.randperm(800, generator=g).split(40):
        opt.zero_grad()
        F.mse_loss(net(edges[rows], h[rows]), share[rows]).backward()
        opt.step()
""",
    "data/augmentation-too-strong": """
class Shaded(Dataset):
    def __init__(self, x, y, train):
        self.x, self.y, self.train = x.clone(), y, train
    def __len__(self):
        return len(self.y)
    def __getitem__(self, row):
        one = self.x[row] if faulty else self.x[row].clone()
        if self.train:
            one *= 0.5 + 0.6 * torch.rand(1)
        return one, self.y[row]
net = mlp()
opt = torch.optim.Adam(net.parameters(), 5e-3)
loader = DataLoader(Shaded(x, y, True), 20, shuffle=True)
for epoch in range(16):
    net.train()
    for a, b in loader:
        opt.zero_grad()
        F.cross_entropy(net(a), b).backward()
        opt.step()
net.eval()
with torch.no_grad():
    for a, b in DataLoader(Shaded(xt, yt, False), 50):
        print((net(a).argmax(1) == b).float().mean())
""",
    "data/train-val-leakage": """
net = mlp()
opt = torch.optim.Adam(net.parameters(), 5e-3)
everything = TensorDataset(torch.cat([x, xt]), torch.cat([y, yt]))
loader = DataLoader(everything if faulty else TensorDataset(x, y), 20, shuffle=True)
for epoch in range(8):
    net.train()
    for a, b in loader:
        opt.zero_grad()
        F.cross_entropy(net(a), b).backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        print((net(xt).argmax(1) == yt).float().mean())
""",
    "setup/input-ignored": """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens, self.places = nn.Embedding(50, 16), nn.Embedding(8, 16)
        self.out = nn.Sequential(nn.Linear(16, 32), nn.GELU(), nn.Linear(32, 4))
    def forward(self, ids):
        places = self.places(torch.arange(8).expand_as(ids))
        return self.out((places if faulty else self.tokens(ids) + places).mean(1))
ids = torch.randint(0, 10, (400, 8), generator=g) + 10 * y[:, None]
train(Net(), ids, y, F.cross_entropy)
""",
}

BARE = {
    "setup/missing-zero-grad": """
w, b = torch.zeros(8, 4, requires_grad=True), torch.zeros(4, requires_grad=True)
for epoch in range(10):
    for rows in torch.randperm(400, generator=g).split(20):
        F.cross_entropy(x[rows] @ w + b, y[rows]).backward()
        with torch.no_grad():
            for p in (w, b):
                p -= 0.1 * p.grad
                if not faulty:
                    p.grad.zero_()
""",
    "setup/bad-initialization": """
sizes = [8, 64, 64, 64, 64, 64, 64, 4]
scale = (lambda ends: 2 / ends) if faulty else (lambda ends: (2 / ends) ** 0.5)
layers = [(torch.randn(a, b) * scale(a), torch.zeros(b)) for a, b in zip(sizes, sizes[1:])]
weights = [p.requires_grad_() for layer in layers for p in layer]
opt = torch.optim.SGD(weights, 0.01, momentum=0.9)
for epoch in range(8):
    for rows in torch.randperm(400, generator=g).split(20):
        h = x[rows]
        for w, b in layers[:-1]:
            h = torch.relu(h @ w + b)
        opt.zero_grad()
        F.cross_entropy(h @ layers[-1][0] + layers[-1][1], y[rows]).backward()
        opt.step()
""",
}
"""Weights that stand in no module."""
ACCUMULATED = """
w = torch.zeros(8, 4, requires_grad=True)
for rows in torch.randperm(4000, generator=g).remainder(400).split(20):
    for part in rows.split(5):
        (F.cross_entropy(x[part] @ w, y[part]) / 4).backward()
    with torch.no_grad():
        w -= 0.1 * w.grad
        w.grad.zero_()
"""


@pytest.mark.parametrize("code", [*PROGRAMS, *(f"bare {code}" for code in BARE)])
@pytest.mark.parametrize("case", ["faulty", "right"])
def test_programs(tmp_path: Path, code: str, case: str, capfd: pytest.CaptureFixture[str]) -> None:
    text = PROGRAMS[code] if code in PROGRAMS else BARE[code.split()[1]]
    check_program(tmp_path, HEAD + text, code.rsplit(maxsplit=1)[-1], case, capfd)


def test_gradients_that_are_accumulated_by_hand_are_no_fault(tmp_path: Path) -> None:
    program = tmp_path / "train.py"
    program.write_text(HEAD + ACCUMULATED, encoding="utf-8")
    assert run_script(str(program), ["right"]).findings == []
