"""Digits in tiny portions whose gradients are gathered, with most of the hidden layer switched off at random."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import finish, seed, table

PORTION, GATHER = 8, 4


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 24, 3, padding=1)
        self.hidden = nn.Linear(24 * 16, 256)
        self.drop = nn.Dropout(0.75)
        self.out = nn.Linear(256, 10)

    def forward(self, x):
        x = nn.functional.max_pool2d(torch.relu(self.conv(x)), 2)
        return self.out(self.drop(torch.relu(self.hidden(x.flatten(1)))))


@torch.no_grad()
def evaluate(net, x, y):
    was = net.training
    net.eval()
    accuracy = (net(x).argmax(1) == y).float().mean().item()
    net.train(was)
    return accuracy


def main():
    seed()
    x, y = table("digits")
    x = torch.tensor(x, dtype=torch.float32).unsqueeze(1) / 8 - 0.6
    y = torch.tensor(y, dtype=torch.long)
    order = torch.randperm(len(x))
    train, test = order[:1200], order[1200:]
    loader = DataLoader(TensorDataset(x[train], y[train]), batch_size=PORTION, shuffle=True, drop_last=True)
    net = Net()
    optimizer = torch.optim.RMSprop(net.parameters(), lr=1e-3)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    net.train()
    for epoch in range(12):
        total = 0.0
        optimizer.zero_grad()
        for number, (xb, yb) in enumerate(loader, start=1):
            loss = criterion(net(xb), yb) / GATHER
            loss.backward()
            total += loss.item() * GATHER
            if number % GATHER == 0 or number == len(loader):
                optimizer.step()
                optimizer.zero_grad()
        print(f"epoch {epoch + 1} train loss {total / len(loader):.4f} "
              f"train {evaluate(net, x[train], y[train]):.4f} test {evaluate(net, x[test], y[test]):.4f}")
    finish("accuracy", evaluate(net, x[test], y[test]))


if __name__ == "__main__":
    main()
