"""Remaining state of an engine (good, worn, failing) from six sensors, GRU."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, seed_all

T, CLASSES = 20, 3
UNITS = torch.tensor([101_325.0, 640.0, 22.0, 0.004, 9_050.0, 0.35])
SPREAD = torch.tensor([900.0, 9.0, 2.5, 0.0015, 70.0, 0.08])


def engines(n, g):
    y = torch.randint(0, CLASSES, (n,), generator=g)
    wear = y.float().view(-1, 1) * 0.8 + 0.3 * torch.randn(n, 1, generator=g)
    t = torch.linspace(0, 1, T)
    z = torch.randn(n, T, 6, generator=g)
    z[:, :, 1] += wear * t
    z[:, :, 2] += wear * 0.8
    z[:, :, 3] += wear * t * 1.5
    z[:, :, 5] -= wear * 0.7
    return UNITS + SPREAD * z, y


class EngineGRU(nn.Module):
    def __init__(self, sensors=6, hidden=32):
        super().__init__()
        self.gru = nn.GRU(sensors, hidden, batch_first=True)
        self.head = nn.Sequential(nn.Linear(hidden, 32), nn.ReLU(), nn.Linear(32, CLASSES))

    def forward(self, x):
        out, _ = self.gru(x)
        return self.head(out.mean(dim=1))


def main():
    seed_all()
    g = torch.Generator().manual_seed(31)
    x_train, y_train = engines(2000, g)
    x_test, y_test = engines(500, g)
    if FIXED:
        mean, std = x_train.mean((0, 1)), x_train.std((0, 1))
        x_train, x_test = (x_train - mean) / std, (x_test - mean) / std
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=50, shuffle=True)
    model = EngineGRU()
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    ce = nn.CrossEntropyLoss()
    for epoch in range(8):
        model.train()
        total = 0.0
        for xb, yb in loader:
            opt.zero_grad()
            loss = ce(model(xb), yb)
            loss.backward()
            opt.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            acc = (model(x_test).argmax(1) == y_test).float().mean().item()
        print(f"epoch {epoch + 1}  loss {total / len(loader):.4f}  test acc {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


main()
