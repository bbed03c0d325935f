"""A GRU predicts the load of the next hour."""

import torch
import torch.nn as nn
from _common import FIXED, finish, load, r2, seed
from torch.utils.data import DataLoader, Dataset

seed()


class LoadWindows(Dataset):
    def __init__(self, series, length=24):
        self.s, self.n = torch.as_tensor(series), length

    def __len__(self):
        return len(self.s) - self.n

    def __getitem__(self, i):
        window = self.s[i : i + self.n]
        target = self.s[i + self.n] if FIXED else self.s[i + self.n - 1]
        return window.unsqueeze(1), target


raw = load()[:4000]
raw = (raw - raw[:3000].mean()) / raw[:3000].std()
train, val = LoadWindows(raw[:3000]), LoadWindows(raw[3000:])


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(1, 32, batch_first=True)
        self.lin = nn.Linear(32, 1)

    def forward(self, x):
        _, h = self.gru(x)
        return self.lin(h[0])[:, 0]


net = Net()
opt = torch.optim.RMSprop(net.parameters(), lr=2e-3)
lossf = nn.L1Loss()
for epoch in range(8):
    net.train()
    for x, y in DataLoader(train, 64, shuffle=True):
        opt.zero_grad()
        lossf(net(x), y).backward()
        nn.utils.clip_grad_value_(net.parameters(), 1.0)
        opt.step()
    net.eval()
    outs, ys = [], []
    with torch.no_grad():
        for x, y in DataLoader(val, 256):
            outs.append(net(x))
            ys.append(y)
    out, truth = torch.cat(outs), torch.cat(ys)
    print(f"epoch {epoch} mae {lossf(out, truth):.4f} r2 {r2(out, truth):.4f}")
finish("r2", r2(out, truth))
