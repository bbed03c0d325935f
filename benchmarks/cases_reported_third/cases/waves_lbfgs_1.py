"""Learn to go on with sine waves of different periods (after the time sequence example), LBFGS on the full batch."""
import math

import torch
import torch.nn as nn

from _common import FIXED, seed_all


def waves(n, length=70):
    period = torch.empty(n, 1).uniform_(14, 30)
    phase = torch.empty(n, 1).uniform_(0, 2 * math.pi)
    t = torch.arange(length).float()[None]
    return torch.sin(2 * math.pi * t / period + phase)


class Sequence(nn.Module):
    def __init__(self, hidden=20):
        super().__init__()
        self.hidden = hidden
        self.cell = nn.GRUCell(1, hidden)
        self.linear = nn.Linear(hidden, 1)

    def forward(self, x, future=0):
        h = x.new_zeros(x.size(0), self.hidden)
        outputs = []
        for t in range(x.size(1)):
            h = self.cell(x[:, t:t + 1], h)
            outputs.append(self.linear(h))
        for _ in range(future):
            h = self.cell(outputs[-1], h)
            outputs.append(self.linear(h))
        return torch.cat(outputs, 1)


def main():
    seed_all()
    torch.set_default_dtype(torch.float64)
    train, test = waves(64).double(), waves(32).double()
    seq = Sequence()
    criterion = nn.MSELoss()
    optimizer = torch.optim.LBFGS(seq.parameters(), lr=0.8, max_iter=12)
    source, target = train[:, :-1], train[:, 1:]

    def closure():
        if FIXED:
            optimizer.zero_grad()
        loss = criterion(seq(source), target)
        loss.backward()
        return loss

    for step in range(13):
        loss = optimizer.step(closure)
        with torch.no_grad():
            ahead = seq(test[:, :50], future=19)
            test_loss = criterion(seq(test[:, :-1]), test[:, 1:])
            error = criterion(ahead[:, 50:], test[:, 51:]) / test[:, 51:].var()
        print(f"STEP {step}: loss {loss.item():.6g} test {test_loss.item():.6g} relative error of 19 values ahead {error.item():.4g}")
    print(f"final test_mse {test_loss.item():.6g}")


if __name__ == "__main__":
    main()
