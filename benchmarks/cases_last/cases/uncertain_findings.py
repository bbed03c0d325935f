"""Eight findings of a report, several at once; the labeller of the reports writes 1, 0, and -1 for 'uncertain'."""

import torch
from _common import FIXED, finish, seed
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

FINDINGS = ["opacity", "oedema", "effusion", "fracture", "device", "nodule", "atelectasis", "cardiomegaly"]


def reports(n, generator):
    hidden = torch.randn(n, 10, generator=generator)
    mix = torch.randn(10, 40, generator=torch.Generator().manual_seed(1))
    x = torch.tanh(hidden @ mix / 3) + 0.3 * torch.randn(n, 40, generator=generator)
    truth = (hidden[:, :8] * hidden[:, 2:].abs() + 0.4 * hidden[:, 1:9] > 0.35).float()
    label = truth.clone()
    label[torch.rand(n, 8, generator=generator) < 0.22] = -1
    return x, label, truth


class Tagger(nn.Module):
    def __init__(self, features, tags):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(features, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU())
        self.tags = nn.Linear(96, tags)

    def forward(self, x):
        return self.tags(self.net(x))


def loss_fn(logits, label):
    if FIXED:
        loss = nn.functional.binary_cross_entropy_with_logits(logits, label.clamp(min=0), reduction="none")
        known = (label >= 0).float()
        return (loss * known).sum() / known.sum()
    return nn.functional.binary_cross_entropy_with_logits(logits, label)


def f1(logits, truth):
    guess = (logits > 0).float()
    both = (guess * truth).sum(0)
    return (2 * both / (guess.sum(0) + truth.sum(0)).clamp(min=1)).mean()


seed()
x, label, truth = reports(4000, torch.Generator().manual_seed(9))
loader = DataLoader(TensorDataset(x[:3000], label[:3000]), batch_size=50, shuffle=True)
model = Tagger(40, len(FINDINGS))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(14):
    running = 0.0
    for features, target in loader:
        optimizer.zero_grad(set_to_none=True)
        loss = loss_fn(model(features), target)
        loss.backward()
        optimizer.step()
        running += loss.item()
    with torch.no_grad():
        score = f1(model(x[3000:]), truth[3000:])
    if epoch % 3 == 2:
        print(f"epoch {epoch + 1:2d} loss {running / len(loader):.4f} macro f1 {score:.4f}")
finish("macro_f1", score)
