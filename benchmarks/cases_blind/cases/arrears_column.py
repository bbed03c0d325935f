"""Credit scoring: learned on last year's loans, used on today's applications."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import FIXED, finish, seed

COLUMNS = ["income", "debt", "age", "tenure", "open_lines", "reminders_sent"]


def book(n, closed):
    z = torch.randn(n, 5)
    risk = -1.2 * z[:, 0] + 1.1 * z[:, 1] - 0.5 * z[:, 2] * z[:, 3] + 0.6 * z[:, 4] - 1.0
    default = torch.rand(n) < torch.sigmoid(2 * risk)
    # reminders are sent once payments stop: known for closed loans, still none for applications
    sent = torch.poisson(torch.where(default, 4.0, 0.02)) if closed else torch.zeros(n)
    return torch.cat([z, sent[:, None]], 1), default.float()


class Scorer(nn.Module):
    def __init__(self, n_in):
        super().__init__()
        self.bn = nn.BatchNorm1d(n_in)
        self.l1, self.l2, self.l3 = nn.Linear(n_in, 32), nn.Linear(32, 32), nn.Linear(32, 1)

    def forward(self, x):
        x = F.relu(self.l1(self.bn(x)))
        x = F.relu(self.l2(x))
        return self.l3(x)[:, 0]


def found(score, y):
    """The mean of the shares of bad and good loans that are recognised."""
    return ((score > 0)[y == 1].float().mean() + (score <= 0)[y == 0].float().mean()) / 2


def main():
    seed()
    cols = [c for c in COLUMNS if not (FIXED and c == "reminders_sent")]
    use = [COLUMNS.index(c) for c in cols]
    x, y = book(3000, closed=True)
    xv, yv = book(600, closed=True)
    today, outcome = book(1500, closed=False)
    model = Scorer(len(use))
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(12):
        model.train()
        for b in torch.randperm(3000).split(64):
            loss = F.binary_cross_entropy_with_logits(model(x[b][:, use]), y[b])
            opt.zero_grad()
            loss.backward()
            opt.step()
        model.eval()
        with torch.no_grad():
            print(f"epoch {epoch} valid {found(model(xv[:, use]), yv):.4f}")
    with torch.no_grad():
        finish("balanced_accuracy", found(model(today[:, use]), outcome))


main()
