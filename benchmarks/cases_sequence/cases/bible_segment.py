"""Put the blanks back into English text: a bidirectional LSTM marks where words end."""
import re

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, SAMPLES, seed_all

WIDTH = 40


def load(n_verses=3000):
    letters, ends = [], []
    with open(f"{SAMPLES}/bible-en-es.tsv", encoding="utf-8") as f:
        next(f)
        for line, _ in zip(f, range(n_verses)):
            for word in re.findall("[a-z]+", line.split("\t")[0].lower()):
                letters += [ord(c) - 97 for c in word]
                ends += [0] * (len(word) - 1) + [1]
    n = len(letters) // WIDTH * WIDTH
    return torch.tensor(letters[:n]).view(-1, WIDTH), torch.tensor(ends[:n]).view(-1, WIDTH).float()


class Segmenter(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(26, 24)
        self.lstm = nn.LSTM(24, 48, bidirectional=True, batch_first=True)
        self.drop = nn.Dropout(0.1)
        self.tag = nn.Linear(96, 1)

    def forward(self, x):
        h, _ = self.lstm(self.embed(x))
        return self.tag(self.drop(h)).squeeze(-1)


def f1(logits, y):
    p = logits > 0
    tp = (p & (y == 1)).sum().item()
    return 2 * tp / max(1, p.sum().item() + int(y.sum().item()))


seed_all()
x, y = load()
x_train, y_train, x_dev, y_dev = x[:3000], y[:3000], x[-500:], y[-500:]
loader = DataLoader(TensorDataset(x_train, y_train), batch_size=64, shuffle=True)
net = Segmenter()
criterion = nn.BCEWithLogitsLoss()
weight_decay = 1e-6 if FIXED else 5e-2
opt = torch.optim.Adam(net.parameters(), lr=5e-3, weight_decay=weight_decay)
for epoch in range(4):
    net.train()
    seen = 0.0
    for xb, yb in loader:
        loss = criterion(net(xb), yb)
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        opt.step()
        seen += loss.item()
    net.eval()
    with torch.no_grad():
        out = net(x_dev)
        dev_loss = criterion(out, y_dev).item()
    print(f"epoch {epoch + 1} train {seen / len(loader):.4f} dev {dev_loss:.4f} dev f1 {f1(out, y_dev):.4f}")
print(f"final f1 {f1(out, y_dev):.4f}")
