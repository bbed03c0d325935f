"""One garment somewhere on a canvas: which is it, and where is its box? Two heads, one loss."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import FIXED, fashion, finish, seed

CANVAS = 64
KINDS = (0, 1, 5, 8)


def scenes(images, labels, n):
    canvas, boxes, kinds = torch.zeros(n, 1, CANVAS, CANVAS), torch.zeros(n, 4), torch.zeros(n, dtype=torch.long)
    usable = [i for i, label in enumerate(labels.tolist()) if label in KINDS]
    for k in range(n):
        i = usable[torch.randint(len(usable), ()).item()]
        left, top = torch.randint(CANVAS - 28, (2,)).tolist()
        canvas[k, 0, top : top + 28, left : left + 28] = images[i] / 255
        boxes[k] = torch.tensor([left, top, left + 28, top + 28])
        kinds[k] = KINDS.index(labels[i])
    return canvas + 0.05 * torch.randn_like(canvas), boxes, kinds


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        body, i = [], 1
        for o in (12, 24, 32):
            body += [nn.Conv2d(i, o, 3, stride=2, padding=1), nn.ReLU()]
            i = o
        self.body = nn.Sequential(*body, nn.Flatten())
        self.neck = nn.Linear(32 * 64, 64)
        self.kind, self.box = nn.Linear(64, len(KINDS)), nn.Linear(64, 4)

    def forward(self, x):
        h = F.relu(self.neck(self.body(x)))
        return self.kind(h), self.box(h)


seed()
xa, ya, xb, yb = (torch.tensor(a) for a in fashion(3000, 600))
x, boxes, kinds = scenes(xa.float(), ya, 1000)
x_test, _, kinds_test = scenes(xb.float(), yb, 300)
if FIXED:
    boxes = boxes / CANVAS
model = Detector()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(6):
    sums = torch.zeros(2)
    for idx in torch.randperm(len(x)).split(30):
        kind, box = model(x[idx])
        parts = torch.stack([F.cross_entropy(kind, kinds[idx]), F.mse_loss(box, boxes[idx])])
        optimizer.zero_grad()
        parts.sum().backward()
        optimizer.step()
        sums += parts.detach() / 34
    with torch.no_grad():
        accuracy = (model(x_test)[0].argmax(1) == kinds_test).float().mean().item()
    print(f"epoch {epoch + 1} kind {sums[0]:.3f} box {sums[1]:.4f} accuracy {accuracy:.3f}")
finish("accuracy", accuracy)
