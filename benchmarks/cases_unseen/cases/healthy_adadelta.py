"""The basic example: two convolutions, dropout, Adadelta with a rate of one, StepLR each epoch."""

import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from _common import fashion, finish, seed
from torch.optim.lr_scheduler import StepLR


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 12, 3, 1)
        self.conv2 = nn.Conv2d(12, 24, 3, 1)
        self.dropout1 = nn.Dropout(0.25)
        self.dropout2 = nn.Dropout(0.5)
        self.fc1 = nn.Linear(24 * 144, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        x = self.dropout1(F.max_pool2d(x, 2))
        x = F.relu(self.fc1(torch.flatten(x, 1)))
        return F.log_softmax(self.fc2(self.dropout2(x)), dim=1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=1.0)
    parser.add_argument("--gamma", type=float, default=0.7)
    parser.add_argument("--epochs", type=int, default=4)
    args = parser.parse_args([])
    seed()
    a, b, c, d = fashion(2000, 500)
    x, xv = ((torch.tensor(v).float()[:, None] / 255 - 0.2860) / 0.3530 for v in (a, c))
    y, yv = torch.tensor(b), torch.tensor(d)
    model = Net()
    optimizer = optim.Adadelta(model.parameters(), lr=args.lr)
    scheduler = StepLR(optimizer, step_size=1, gamma=args.gamma)
    for epoch in range(1, args.epochs + 1):
        model.train()
        for idx in torch.randperm(len(x)).split(64):
            optimizer.zero_grad()
            loss = F.nll_loss(model(x[idx]), y[idx])
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            output = model(xv)
        print(f"Test set: loss {F.nll_loss(output, yv).item():.4f}, correct {(output.argmax(1) == yv).sum().item()}/{len(yv)}")
        scheduler.step()
    finish("accuracy", (output.argmax(1) == yv).float().mean())


if __name__ == "__main__":
    main()
