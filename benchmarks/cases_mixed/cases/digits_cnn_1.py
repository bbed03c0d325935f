"""Digits with a small convolutional network and plain SGD."""
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, seed_all, table


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1, self.c2 = nn.Conv2d(1, 16, 3, padding=1), nn.Conv2d(16, 32, 3, padding=1)
        self.f1, self.f2 = nn.Linear(32 * 4, 64), nn.Linear(64, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.c1(x)), 2)
        x = F.max_pool2d(F.relu(self.c2(x)), 2).flatten(1)
        return self.f2(F.relu(self.f1(x)))


def train_one_epoch(net, loader, opt):
    net.train()
    opt.zero_grad()
    total = 0.0
    for x, y in loader:
        if FIXED:
            opt.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        opt.step()
        total += loss.item()
    return total / len(loader)


def test(net, x, y):
    net.eval()
    with torch.no_grad():
        out = net(x)
        return F.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()


seed_all()
d = table("digits")
x, y = (torch.from_numpy(d["x"]).float().unsqueeze(1) - 4.9) / 6.0, torch.from_numpy(d["y"])
order = torch.randperm(len(y))
x, y = x[order], y[order]
loader = DataLoader(TensorDataset(x[:1400], y[:1400]), batch_size=32, shuffle=True)
net = Net()
opt = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
for epoch in range(10):
    train_loss = train_one_epoch(net, loader, opt)
    val_loss, acc = test(net, x[1400:], y[1400:])
    print(f"epoch {epoch + 1}: train {train_loss:.4f} val {val_loss:.4f} accuracy {acc:.4f}")
print(f"final accuracy {acc:.4f}")
