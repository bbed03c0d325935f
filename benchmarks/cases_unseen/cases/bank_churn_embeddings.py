"""Tabular playground: customers that leave, with an embedding for each categorical column."""

import numpy as np
import torch
import torch.nn as nn
from _common import FIXED, finish, seed
from torch.utils.data import DataLoader, Dataset

seed()
N = 4000
rng = np.random.default_rng(11)
cats = np.stack([rng.integers(0, k, N) for k in (12, 5, 30)], axis=1)
conts = rng.normal(size=(N, 6)).astype(np.float32)
effect = [rng.normal(0, 1.2, k) for k in (12, 5, 30)]
score = sum(e[cats[:, i]] for i, e in enumerate(effect)) + conts @ rng.normal(size=6) + conts[:, 0] * conts[:, 1]
exited = (rng.random(N) < 1 / (1 + np.exp(-1.5 * (score - 1.0)))).astype(np.float32)


class ChurnData(Dataset):
    def __init__(self, rows):
        self.cats, self.conts = torch.tensor(cats[rows]), torch.tensor(conts[rows])
        self.y = torch.tensor(exited[rows]).unsqueeze(1)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.cats[i], self.conts[i], self.y[i]


class TabularModel(nn.Module):
    def __init__(self, emb_szs, n_cont, layers, p=0.1):
        super().__init__()
        self.embeds = nn.ModuleList([nn.Embedding(ni, nf) for ni, nf in emb_szs])
        self.bn_cont = nn.BatchNorm1d(n_cont)
        blocks, n_in = [], sum(nf for _, nf in emb_szs) + n_cont
        for width in layers:
            blocks += [nn.Linear(n_in, width), nn.ReLU(inplace=True), nn.BatchNorm1d(width), nn.Dropout(p)]
            n_in = width
        blocks.append(nn.Linear(n_in, 1))
        self.layers = nn.Sequential(*blocks)

    def forward(self, x_cat, x_cont):
        x = torch.cat([e(x_cat[:, i]) for i, e in enumerate(self.embeds)], 1)
        x = torch.cat([x, self.bn_cont(x_cont)], 1)
        x = self.layers(x)
        return x if FIXED else torch.sigmoid(x)


model = TabularModel([(12, 6), (5, 3), (30, 15)], 6, [64, 32])
criterion = nn.BCEWithLogitsLoss()
opt = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-3)
dl_train = DataLoader(ChurnData(slice(0, 3200)), batch_size=64, shuffle=True)
dl_valid = DataLoader(ChurnData(slice(3200, N)), batch_size=200)

for epoch in range(10):
    model.train()
    running = 0.0
    for xc, xn, yb in dl_train:
        opt.zero_grad()
        loss = criterion(model(xc, xn), yb)
        loss.backward()
        opt.step()
        running += loss.item() * len(yb)
    model.eval()
    with torch.no_grad():
        held = [(criterion(model(xc, xn), yb).item(), len(yb)) for xc, xn, yb in dl_valid]
    valid_loss = sum(v * n for v, n in held) / 800
    print(f"epoch {epoch:2d}  train_loss {running / 3200:.4f}  valid_loss {valid_loss:.4f}")
finish("valid_loss", valid_loss)
