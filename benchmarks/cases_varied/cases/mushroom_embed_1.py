"""Edible or not, from the finder's form: eight questions with a few answers each (simulated forms)."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import seed_all

ANSWERS = {"odour": 4, "cap": 3, "colour": 4, "ring": 2, "gills": 2, "stalk": 3, "spores": 3, "place": 3}


def forms(n):
    f = {}
    for name, k in ANSWERS.items():
        p = 0.55 ** np.arange(k)
        f[name] = np.random.choice(k, n, p=p / p.sum())
    bad = (f["odour"] == 3) | ((f["odour"] >= 1) & (f["gills"] == 1)) | ((f["spores"] == 2) & (f["ring"] == 0)) \
        | ((f["colour"] >= 2) & (f["stalk"] >= 1) & (f["odour"] == 0))
    return np.column_stack(list(f.values())), bad.astype(np.float32)


class FormReader(nn.Module):
    def __init__(self, emb=4, hidden=32):
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(k, emb) for k in ANSWERS.values())
        self.net = nn.Sequential(nn.Linear(emb * len(ANSWERS), hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1))

    def forward(self, f):
        return self.net(torch.cat([t(f[:, i]) for i, t in enumerate(self.tables)], 1)).squeeze(1)


def run(net, loader, criterion, opt=None):
    net.train(opt is not None)
    loss_sum, hits, n = 0.0, 0, 0
    with torch.set_grad_enabled(opt is not None):
        for f, y in loader:
            out = net(f)
            loss = criterion(out, y)
            if opt is not None:
                opt.zero_grad()
                loss.backward()
                opt.step()
            loss_sum, hits, n = loss_sum + loss.item() * len(y), hits + ((out > 0) == (y > 0)).sum().item(), n + len(y)
    return loss_sum / n, hits / n


def main():
    seed_all()
    x, y = forms(6000)
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    train = DataLoader(TensorDataset(x[:4500], y[:4500]), batch_size=64, shuffle=True)
    test = DataLoader(TensorDataset(x[4500:], y[4500:]), batch_size=500)
    net, criterion = FormReader(), nn.BCEWithLogitsLoss()
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(10):
        loss, acc = run(net, train, criterion, opt)
        tloss, tacc = run(net, test, criterion)
        print(f"epoch {epoch + 1}: train {loss:.4f} {acc:.4f} test {tloss:.4f} {tacc:.4f}")
    print(f"final accuracy {tacc:.4f}")


if __name__ == "__main__":
    main()
