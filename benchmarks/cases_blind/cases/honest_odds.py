"""Letters with honest probabilities: judged by the log loss on new ones."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import FIXED, finish, letters, seed


class LetterModel(nn.Module):
    """Scores in training, probabilities when in use."""

    def __init__(self, hidden=96):
        super().__init__()
        self.norm = nn.BatchNorm1d(16)
        self.inner = nn.Linear(16, hidden)
        self.again = nn.Linear(hidden, hidden)
        self.last = nn.Linear(hidden, 26)

    def forward(self, x):
        h = F.elu(self.inner(self.norm(x)))
        h = h + F.elu(self.again(h))
        scores = self.last(h)
        return scores if self.training else scores.softmax(-1)


def log_loss(model, x, y):
    model.eval()
    with torch.no_grad():
        out = model(x)
        if FIXED:
            return F.nll_loss(out.clamp(min=1e-9).log(), y).item()
        return F.cross_entropy(out, y).item()


def fit(model, train, valid, epochs=10):
    optimizer = torch.optim.NAdam(model.parameters(), lr=2e-3)
    x, y = train
    for epoch in range(epochs):
        model.train()
        losses = []
        for b in torch.randperm(len(x)).split(64):
            loss = F.cross_entropy(model(x[b]), y[b])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        print(f"epoch {epoch:2d}  train {sum(losses) / len(losses):.3f}  valid {log_loss(model, *valid):.3f}")


seed()
x, y = (torch.tensor(a) for a in letters(6000))
model = LetterModel()
fit(model, (x[:5000], y[:5000]), (x[5000:], y[5000:]))
finish("log_loss", log_loss(model, x[5000:], y[5000:]))
