"""Echo state network: a fixed random recurrent layer, only the linear readout is trained."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import seed_all

LENGTH, CLASSES = 40, 4


def processes(n, g):
    """Second-order autoregressive series; the class is the pair of coefficients."""
    y = torch.randint(0, CLASSES, (n,), generator=g)
    a = torch.tensor([1.2, 0.3, -0.6, 0.6])[y]
    b = torch.tensor([-0.7, -0.8, -0.3, 0.3])[y]
    x = torch.zeros(n, LENGTH + 20)
    e = torch.randn(n, LENGTH + 20, generator=g)
    for t in range(2, LENGTH + 20):
        x[:, t] = a * x[:, t - 1] + b * x[:, t - 2] + e[:, t]
    x = x[:, 20:]
    return (x / x.std(1, keepdim=True)).unsqueeze(2), y


class EchoState(nn.Module):
    def __init__(self, units=150, radius=0.8):
        super().__init__()
        self.reservoir = nn.RNN(1, units, batch_first=True)
        with torch.no_grad():
            w = torch.randn(units, units) / units ** 0.5
            self.reservoir.weight_hh_l0.copy_(w * radius)
            self.reservoir.weight_ih_l0.uniform_(-1.0, 1.0)
        self.reservoir.requires_grad_(False)
        self.norm = nn.BatchNorm1d(units)
        self.readout = nn.Linear(units, CLASSES)

    def forward(self, x):
        states, _ = self.reservoir(x)
        return self.readout(self.norm((states ** 2).mean(1)))


def main():
    seed_all()
    g = torch.Generator().manual_seed(44)
    x, y = processes(2000, g)
    xt, yt = processes(500, g)
    net = EchoState()
    opt = torch.optim.Adam([p for p in net.parameters() if p.requires_grad], lr=1e-2)
    loader = DataLoader(TensorDataset(x, y), batch_size=64, shuffle=True)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(8):
        net.train()
        total = 0.0
        for xb, yb in loader:
            opt.zero_grad()
            loss = criterion(net(xb), yb)
            loss.backward()
            opt.step()
            total += loss.item()
        net.eval()
        with torch.no_grad():
            acc = (net(xt).argmax(1) == yt).float().mean().item()
        print(f"epoch {epoch + 1}: loss {total / len(loader):.4f}, test accuracy {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


main()
