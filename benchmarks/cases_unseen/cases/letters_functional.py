"""Letter recognition in the functional style, forward written out by hand."""

import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import FIXED, finish, letters, seed


class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1 = nn.Linear(16, width)
        self.fc2 = nn.Linear(width, width)
        self.fc3 = nn.Linear(width, 26)

    def forward(self, x):
        x = F.relu(self.fc1(x))
        x = F.dropout(x, 0.5, training=self.training if FIXED else True)
        x = F.relu(self.fc2(x))
        x = F.dropout(x, 0.5, training=self.training if FIXED else True)
        return F.log_softmax(self.fc3(x), dim=1)


def train(args, model, data, target, optimizer, epoch):
    model.train()
    for step, idx in enumerate(torch.randperm(len(data)).split(args.batch_size)):
        optimizer.zero_grad()
        loss = F.nll_loss(model(data[idx]), target[idx])
        loss.backward()
        optimizer.step()
        if step % args.log_interval == 0:
            print(f"Train Epoch: {epoch} [{step * len(idx)}/{len(data)}]\tLoss: {loss.item():.6f}")


def test(model, data, target):
    model.eval()
    with torch.no_grad():
        output = model(data)
        test_loss = F.nll_loss(output, target).item()
        accuracy = output.argmax(dim=1).eq(target).float().mean().item()
    print(f"\nTest set: Average loss: {test_loss:.4f}, Accuracy: {100 * accuracy:.1f}%\n")
    return test_loss


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--log-interval", type=int, default=50)
    args = parser.parse_args([])
    seed()
    x, y = letters(6000)
    x = (x - x[:5000].mean(0)) / x[:5000].std(0)
    x, y = torch.tensor(x), torch.tensor(y)
    model = Net(args.width)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    for epoch in range(1, args.epochs + 1):
        train(args, model, x[:5000], y[:5000], optimizer, epoch)
        result = test(model, x[5000:], y[5000:])
    finish("test_loss", result)


if __name__ == "__main__":
    main()
