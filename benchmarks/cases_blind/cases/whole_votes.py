"""Benign or malignant: probabilities are turned into votes."""

import torch
import torch.nn as nn
from _common import FIXED, balanced_accuracy, finish, seed, table
from torch.utils.data import DataLoader, TensorDataset


class Gated(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.value, self.gate = nn.Linear(d, 32), nn.Linear(d, 32)
        self.vote = nn.Linear(32, 1)

    def forward(self, x):
        return torch.sigmoid(self.vote(torch.tanh(self.value(x)) * torch.sigmoid(self.gate(x))))


def to_class(p):
    return (p + 0.5).int() if FIXED else p.int()


def validate(model, loader):
    model.eval()
    guesses, truths = [], []
    with torch.no_grad():
        for x, y in loader:
            guesses.append(to_class(model(x)).flatten())
            truths.append(y.flatten().int())
    return balanced_accuracy(torch.cat(guesses), torch.cat(truths))


seed()
x, y = table("breast")
x = torch.tensor((x - x.mean(0)) / x.std(0))
y = torch.tensor(y).float()[:, None]
order = torch.randperm(len(x))
train = DataLoader(TensorDataset(x[order[:400]], y[order[:400]]), batch_size=20, shuffle=True)
test = DataLoader(TensorDataset(x[order[400:]], y[order[400:]]), batch_size=64)
model = Gated(30)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
bce = nn.BCELoss()
for epoch in range(20):
    model.train()
    total = 0.0
    for bx, by in train:
        loss = bce(model(bx), by)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() / len(train)
    print(f"epoch {epoch}: loss {total:.4f} balanced accuracy {validate(model, test):.4f}")
finish("balanced_accuracy", validate(model, test))
