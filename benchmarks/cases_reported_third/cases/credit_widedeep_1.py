"""Who will default? Wide and deep network on a simulated table of loans, about one in seven defaults."""
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, seed_all

SIZES = (6, 10, 4)


def loans(n):
    num = np.random.randn(n, 6).astype(np.float32)
    cat = np.column_stack([np.random.randint(0, s, n) for s in SIZES])
    rs = np.random.RandomState(7)
    tables = [rs.normal(0, 0.5, s) for s in SIZES]
    score = 0.9 * num[:, 0] - 0.6 * num[:, 1] + 0.7 * num[:, 2] * num[:, 3] + 0.5 * np.maximum(num[:, 4], 0)
    score = score + sum(t[cat[:, k]] for k, t in enumerate(tables))
    score = score + np.random.logistic(0, 0.7, n)
    return num, cat, (score > np.quantile(score, 0.86)).astype(np.float32)


class WideAndDeep(nn.Module):
    def __init__(self, n_num, dim=4):
        super().__init__()
        self.wide = nn.ModuleList([nn.Embedding(s, 1) for s in SIZES])
        self.deep = nn.ModuleList([nn.Embedding(s, dim) for s in SIZES])
        self.linear = nn.Linear(n_num, 1)
        self.mlp = nn.Sequential(nn.Linear(n_num + dim * len(SIZES), 48), nn.ReLU(), nn.Linear(48, 24), nn.ReLU(), nn.Linear(24, 1))
        for e in [*self.wide, *self.deep]:
            nn.init.normal_(e.weight, std=0.1)

    def forward(self, num, cat):
        wide = self.linear(num) + sum(e(cat[:, k]) for k, e in enumerate(self.wide))
        deep = self.mlp(torch.cat([num] + [e(cat[:, k]) for k, e in enumerate(self.deep)], dim=1))
        return (wide + deep).squeeze(1)


def scores(logits, y):
    pred = logits > 0
    recall = (pred & (y == 1)).sum() / (y == 1).sum()
    specificity = (~pred & (y == 0)).sum() / (y == 0).sum()
    return recall.item(), specificity.item()


def main():
    seed_all()
    num, cat, y = (torch.from_numpy(a) for a in loans(6000))
    train = TensorDataset(num[:4800], cat[:4800], y[:4800])
    loader = DataLoader(train, batch_size=64, shuffle=True)
    positive = y[:4800].sum()
    negative = 4800 - positive
    weight = negative / positive if FIXED else positive / negative
    criterion = nn.BCEWithLogitsLoss(pos_weight=weight)
    model = WideAndDeep(num.shape[1])
    optimizer = torch.optim.Adam([{"params": model.mlp.parameters(), "weight_decay": 1e-4},
                                  {"params": [p for n, p in model.named_parameters() if not n.startswith("mlp")]}], lr=1e-3)
    for epoch in range(8):
        model.train()
        total = 0.0
        for a, b, c in loader:
            optimizer.zero_grad()
            loss = criterion(model(a, b), c)
            loss.backward()
            optimizer.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            out = model(num[4800:], cat[4800:])
        recall, specificity = scores(out, y[4800:])
        balanced = (recall + specificity) / 2
        print(f"epoch {epoch + 1}: loss {total / len(loader):.4f} val {criterion(out, y[4800:]).item():.4f} recall {recall:.3f} "
              f"specificity {specificity:.3f} balanced {balanced:.3f}")
    print(f"final balanced_accuracy {balanced:.4f}")


if __name__ == "__main__":
    main()
