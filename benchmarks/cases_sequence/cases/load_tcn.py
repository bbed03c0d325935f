"""Day-ahead electricity load with a temporal convolutional network."""
import csv

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from _common import FIXED, SAMPLES, seed_all

HISTORY, HORIZON = 72, 24


def series():
    with open(f"{SAMPLES}/electricity.csv") as f:
        return np.array([float(r["y"]) for r in csv.DictReader(f)], dtype="float32")


class CausalBlock(nn.Module):
    def __init__(self, cin, cout, dilation):
        super().__init__()
        self.pad = 2 * dilation
        self.conv = nn.Conv1d(cin, cout, 3, dilation=dilation)
        self.skip = nn.Conv1d(cin, cout, 1) if cin != cout else nn.Identity()

    def forward(self, x):
        return F.relu(self.conv(F.pad(x, (self.pad, 0)))) + self.skip(x)


class TCN(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.blocks = nn.Sequential(CausalBlock(1, width, 1), CausalBlock(width, width, 2),
                                    CausalBlock(width, width, 4), CausalBlock(width, width, 8))
        self.head = nn.Linear(width, HORIZON)

    def forward(self, x):
        return self.head(self.blocks(x)[:, :, -1])


def windows(s, step):
    w = s.unfold(0, HISTORY + HORIZON, step)
    return w[:, None, :HISTORY].contiguous(), w[:, HISTORY:].contiguous()


def main():
    seed_all()
    s = torch.tensor(series())
    cut = int(0.8 * len(s))
    s = (s - s[:cut].mean()) / s[:cut].std()
    x_train, y_train = windows(s[:cut], 3)
    x_test, y_test = windows(s[cut:], 7)
    net = TCN()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
    for epoch in range(8):
        net.train()
        losses = []
        for idx in torch.randperm(len(x_train)).split(64):
            if FIXED:
                optimizer.zero_grad()
            loss = F.mse_loss(net(x_train[idx]), y_train[idx])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        net.eval()
        with torch.no_grad():
            mae = (net(x_test) - y_test).abs().mean().item()
        print(f"epoch {epoch + 1}: train mse {np.mean(losses):.4f} test mae {mae:.4f}")
    print(f"final mae {mae:.4f}")


if __name__ == "__main__":
    main()
