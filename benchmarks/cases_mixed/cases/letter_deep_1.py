"""Letters with a very deep stack of narrow layers."""
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, letters, seed_all


class Layer(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc = nn.Linear(width, width)

    def forward(self, x):
        h = F.relu(self.fc(x))
        return x + h if FIXED else h


class DeepNet(nn.Module):
    def __init__(self, width=64, depth=16):
        super().__init__()
        self.embed = nn.Linear(16, width)
        self.layers = nn.Sequential(*[Layer(width) for _ in range(depth)])
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, 26)

    def forward(self, x):
        return self.head(self.norm(self.layers(self.embed(x))) if FIXED else self.layers(self.embed(x)))


def main():
    seed_all()
    x, y = letters()
    x, y = torch.from_numpy(x[:7000]), torch.from_numpy(y[:7000])
    x = (x - x[:5600].mean(0)) / x[:5600].std(0)
    train = DataLoader(TensorDataset(x[:5600], y[:5600]), batch_size=64, shuffle=True)
    xv, yv = x[5600:], y[5600:]
    net = DeepNet()
    opt = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
    for epoch in range(12):
        net.train()
        total = 0.0
        for xb, yb in train:
            opt.zero_grad()
            loss = F.cross_entropy(net(xb), yb)
            loss.backward()
            opt.step()
            total += loss.item()
        net.eval()
        with torch.no_grad():
            out = net(xv)
            vl, acc = F.cross_entropy(out, yv).item(), (out.argmax(1) == yv).float().mean().item()
        print(f"epoch {epoch + 1}: {total / len(train):.4f} / {vl:.4f}, accuracy {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
