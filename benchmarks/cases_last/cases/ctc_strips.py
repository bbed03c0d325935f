"""Read strips of three garments with a convolution, a GRU and CTC: which classes, in their order."""

import torch
import torch.nn as nn
from _common import FIXED, fashion, finish, seed

BLANK, CLASSES = 0, 4


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(1, 12, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(12, 24, 3, stride=2, padding=1), nn.ReLU()
        )
        self.rnn = nn.GRU(24 * 7, 48, bidirectional=True, batch_first=True)
        self.fc = nn.Linear(96, CLASSES + 1)

    def forward(self, x):
        h = self.conv(x).permute(0, 3, 1, 2).flatten(2)  # columns are time
        h = self.fc(self.rnn(h)[0]).transpose(0, 1)
        return h.log_softmax(2) if FIXED else h


def strips(images, labels, n):
    pick = torch.randint(len(labels), (n, 3))
    return torch.cat([images[pick[:, i]] for i in range(3)], 3), labels[pick] + 1


def decode(scores):
    """Best path: collapse repetitions, drop blanks."""
    texts = []
    for path in scores.argmax(2).T.tolist():
        texts.append([c for i, c in enumerate(path) if c != BLANK and (i == 0 or c != path[i - 1])])
    return texts


seed()
xa, ya, xb, yb = (torch.tensor(a) for a in fashion(4000, 1000))
chosen = {1: 0, 2: 1, 5: 2, 9: 3}  # trousers, pullovers, sandals, boots


def only(x, y):
    keep = torch.tensor([v in chosen for v in y.tolist()])
    return x[keep][:, None].float() / 255, torch.tensor([chosen[v] for v in y[keep].tolist()])


train, test = only(xa, ya), only(xb, yb)
model = Reader()
ctc = nn.CTCLoss(blank=BLANK, zero_infinity=True)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(160):
    x, y = strips(*train, 16)
    out = model(x)
    loss = ctc(out, y, torch.full((16,), len(out)), torch.full((16,), 3))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 40 == 39:
        print(f"step {step + 1} loss {loss.item():.4f}")
with torch.no_grad():
    x, y = strips(*test, 300)
    right = [a == b for a, b in zip(decode(model(x)), y.tolist(), strict=True)]
finish("sequence_accuracy", sum(right) / len(right))
