"""Letters from sixteen measures: a residual network with a decaying learning rate."""
import torch
from torch import nn
from torch.optim.lr_scheduler import ExponentialLR
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, finish, letters, seed


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.inner = nn.Linear(width, 2 * width)
        self.outer = nn.Linear(2 * width, width)

    def forward(self, x):
        return x + self.outer(nn.functional.gelu(self.inner(self.norm(x))))


class Net(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.stem = nn.Linear(16, width)
        self.blocks = nn.Sequential(*[Block(width) for _ in range(3)])
        self.head = nn.Linear(width, 26)

    def forward(self, x):
        return self.head(self.blocks(self.stem(x)))


def evaluate(net, x, y):
    net.eval()
    with torch.no_grad():
        out = net(x)
    return nn.functional.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()


def main():
    seed()
    x, y = (torch.from_numpy(a) for a in letters(6000))
    x = (x - x[:5000].mean(0)) / x[:5000].std(0)
    train = DataLoader(TensorDataset(x[:5000], y[:5000]), batch_size=64, shuffle=True)
    net = Net()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    scheduler = ExponentialLR(optimizer, gamma=0.9)
    for epoch in range(15):
        net.train()
        for xb, yb in train:
            optimizer.zero_grad()
            loss = criterion(net(xb), yb)
            loss.backward()
            optimizer.step()
            if not FIXED:
                scheduler.step()
        if FIXED:
            scheduler.step()
        val_loss, accuracy = evaluate(net, x[5000:], y[5000:])
        print(f"epoch {epoch + 1:2d} train {loss.item():.4f} val {val_loss:.4f} accuracy {accuracy:.4f}")
    finish("accuracy", accuracy)


if __name__ == "__main__":
    main()
