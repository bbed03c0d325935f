"""Mistakes that raise no error, in labels, samplers, evaluations and weights: found, and the right code is quiet."""

from __future__ import annotations

from pathlib import Path

import pytest

from programs import check_program
from test_doctor_other_hands import HEAD

PROGRAMS = {
    "hinge labels of 0 and 1: data/invalid-labels": """
ill = (x[:, :3].sum(1) > 0).long()
sign = ill if faulty else 2 * ill - 1
train(mlp(classes=1), x, sign, lambda out, y: F.soft_margin_loss(out[:, 0], y.float()))
""",
    "labels of pairs: data/invalid-labels": """
net = mlp(classes=6)
opt = torch.optim.Adam(net.parameters(), 5e-3)
for step in range(60):
    one, other = torch.randint(0, 400, (2, 32), generator=g)
    same = (y[one] == y[other]).long()
    opt.zero_grad()
    nn.CosineEmbeddingLoss(margin=0.2)(net(x[one]), net(x[other]), same if faulty else 2 * same - 1).backward()
    opt.step()
""",
    "a decoder that is given the answer: setup/future-leak": """
class Speller(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(21, 32)
        self.read, self.write = (nn.GRU(32, 32, batch_first=True) for _ in range(2))
        self.out = nn.Linear(32, 20)
    def forward(self, source, given):
        return self.out(self.write(self.tokens(given), self.read(self.tokens(source))[1])[0])
net = Speller()
opt = torch.optim.Adam(net.parameters(), 3e-3)
for step in range(60):
    source = torch.randint(0, 20, (24, 5), generator=g)
    answer = (source + 3) % 20
    given = answer if faulty else torch.cat([torch.full((24, 1), 20), answer[:, :-1]], 1)
    opt.zero_grad()
    F.cross_entropy(net(source, given).transpose(1, 2), answer).backward()
    opt.step()
""",
    "a loss that is a share of the epoch: setup/loss-reduction": """
train(mlp(), x, y, lambda out, y: F.cross_entropy(out, y) * (0.02 if faulty else 1.0), epochs=6, rate=0.05,
      make=torch.optim.SGD)
""",
    "weights of a sampler by class: data/too-few-samples": """
from torch.utils.data import WeightedRandomSampler
of_class = 1 / y.bincount().float()
sampler = WeightedRandomSampler(of_class if faulty else of_class[y], 400)
net = mlp()
opt = torch.optim.Adam(net.parameters(), 5e-3)
for epoch in range(6):
    for a, b in DataLoader(TensorDataset(x, y), 20, sampler=sampler):
        opt.zero_grad()
        F.cross_entropy(net(a), b).backward()
        opt.step()
net.eval()
with torch.no_grad():
    for a, b in DataLoader(TensorDataset(xt, yt), 50):
        print((net(a).argmax(1) == b).float().mean())
""",
    "scored in other units: training/metric-loss-disagree": """
weights = torch.randn(8, 1, generator=g)
number, other = x @ weights / 8, xt @ weights / 8
net = mlp(classes=1)
train(net, x, number, F.mse_loss)
with torch.no_grad():
    guess = net(xt)
    if not faulty:
        guess = 300 * guess + 2000
    print(1 - ((guess - (300 * other + 2000)) ** 2).mean() / (300 * other).var())
""",
    "rate and momentum exchanged: training/learning-rate-too-high": """
images = torch.rand(400, 1, 12, 12, generator=g)
images[:, 0, 4:8, 2:10] += 0.5 * y[:, None, None]
net = nn.Sequential(
    nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 16, 3), nn.ReLU(), nn.Conv2d(16, 16, 3), nn.ReLU(), nn.Flatten(),
    nn.Linear(576, 64), nn.ReLU(), nn.Linear(64, 4))
def make(weights, rate):
    return torch.optim.SGD(weights, 0.9, 0.01) if faulty else torch.optim.SGD(weights, 0.01, 0.9)
train(net, images, y, F.cross_entropy, epochs=6, make=make)
""",
    "a rate for fine-tuning from scratch: training/learning-rate-too-low": """
ids = torch.randint(0, 40, (400, 10), generator=g)
ids[:, 0] = 40 + y
net = nn.Sequential(nn.Embedding(50, 32), nn.TransformerEncoderLayer(32, 4, 64, 0.0, batch_first=True), nn.Flatten(),
                    nn.Linear(320, 4))
nn.init.normal_(net[3].weight, std=0.02)
train(net, ids, y, F.cross_entropy, epochs=4, rate=2e-6 if faulty else 1e-3, make=torch.optim.AdamW)
""",
    "a tensor instead of a parameter: setup/parameters-not-trained": """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        queries = 0.3 * torch.randn(4, 8, generator=g)
        self.queries = queries.requires_grad_() if faulty else nn.Parameter(queries)
        self.inner = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 8))
    def forward(self, x):
        return (self.inner(x)[:, None] * self.queries).sum(2)
train(Net(), x, y, F.cross_entropy)
""",
    "outputs cut off before the loss: setup/parameters-not-trained": """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = mlp(classes=1)
    def forward(self, x):
        out = self.inner(x)
        return out.clamp(3, 9) if faulty or not self.training else out
train(Net(), x, 6 + x[:, :1].clamp(-2, 2), F.mse_loss)
""",
    "words without vectors: setup/parameters-not-trained": """
vectors = torch.randn(60, 16, generator=g)
vectors[20:] = 0 if faulty else vectors[20:]
vectors[0] = 0
ids = torch.randint(1, 10, (400, 6), generator=g)
ids[:, 0] = 20 + 10 * y + torch.randint(0, 10, (400,), generator=g)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding.from_pretrained(vectors, padding_idx=0)
        self.out = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))
    def forward(self, ids):
        return self.out(self.words(ids).mean(1))
train(Net(), ids, y, F.cross_entropy)
""",
    "a vocabulary of something else: data/constant-feature": """
texts = torch.randint(20, 500, (400, 12), generator=g)
texts[:, :3] = 1 + 4 * torch.randint(0, 4, (400, 3), generator=g) + y[:, None]
texts[:, 8:] = 0
if faulty:
    texts = torch.where(texts > 470, texts, torch.tensor(19)).where(texts > 0, 0)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.out = nn.Embedding(500, 16), nn.Linear(16, 4)
    def forward(self, ids):
        return self.out(self.words(ids).mean(1))
train(Net(), texts, y, F.cross_entropy)
""",
    "blue, green, red: data/preprocessing-mismatch": """
colour = torch.tensor([[0.9, 0.3, 0.1], [0.8, 0.6, 0.1], [0.6, 0.5, 0.3], [0.2, 0.7, 0.3]])
def photos(y):
    images = torch.rand(len(y), 3, 8, 8, generator=g) * 0.3
    images[:, :, 2:6, 2:6] += colour[y][:, :, None, None]
    return images - 0.4
net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(8, 4))
train(net, photos(y), y, F.cross_entropy)
seen = photos(yt)
with torch.no_grad():
    print((net(seen.flip(1) if faulty else seen).argmax(1) == yt).float().mean())
""",
    "probabilities cut to nothing: training/metric-loss-disagree": """
ill = (x[:, :3].sum(1) > 0).float()[:, None]
sick = (xt[:, :3].sum(1) > 0).int()
net = nn.Sequential(mlp(classes=1), nn.Sigmoid())
train(net, x, ill, F.binary_cross_entropy)
with torch.no_grad():
    said = (net(xt).int() if faulty else (net(xt) > 0.5).int())[:, 0]
    print((said[sick == 1] == 1).float().mean(), (said[sick == 0] == 0).float().mean())
""",
}


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("case", ["faulty", "right"])
def test_programs(tmp_path: Path, name: str, case: str, capfd: pytest.CaptureFixture[str]) -> None:
    check_program(tmp_path, HEAD + PROGRAMS[name], name.rsplit(maxsplit=1)[-1], case, capfd)
