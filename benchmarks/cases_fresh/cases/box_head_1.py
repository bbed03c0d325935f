"""A small detector with one box per picture: a convolutional network regresses x, y, width and height."""

import torch
from _common import FIXED, finish, seed
from torch import nn

SIZE = 48
seed()
g = torch.Generator().manual_seed(5)


def pictures(n):
    wh = torch.randint(10, 24, (n, 2), generator=g)
    xy = (torch.rand(n, 2, generator=g) * (SIZE - wh)).long()
    img = 0.15 * torch.randn(n, 1, SIZE, SIZE, generator=g)
    for k in range(n):
        (x, y), (w, h) = xy[k].tolist(), wh[k].tolist()
        img[k, 0, y : y + h, x : x + w] += 1.0
    return img, torch.cat([xy, wh], 1).float() * (640 / SIZE)  # boxes belong to the full frame of 640 pixels


def iou(a, b):
    lo = torch.maximum(a[:, :2], b[:, :2])
    hi = torch.minimum(a[:, :2] + a[:, 2:], b[:, :2] + b[:, 2:])
    inter = (hi - lo).clamp(min=0).prod(1)
    return inter / (a[:, 2:].clamp(min=0).prod(1) + b[:, 2:].prod(1) - inter).clamp(min=1e-6)


class Trainer:
    def __init__(self, model, lr, unit):
        self.model, self.unit = model, unit
        self.optim = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
        self.loss_fn = nn.SmoothL1Loss()

    def step(self, img, box):
        self.optim.zero_grad()
        loss = self.loss_fn(self.model(img), box / self.unit)
        loss.backward()
        self.optim.step()
        return loss.item()

    def validate(self, img, box):
        self.model.eval()
        with torch.no_grad():
            score = iou(self.model(img) * self.unit, box).mean().item()
        self.model.train()
        return score


img, box = pictures(900)
img_val, box_val = pictures(200)
backbone = nn.Sequential(
    nn.Conv2d(1, 12, 3, 2, 1), nn.ReLU(), nn.Conv2d(12, 24, 3, 2, 1), nn.ReLU(), nn.Conv2d(24, 24, 3, 2, 1), nn.ReLU()
)
detector = nn.Sequential(backbone, nn.Flatten(), nn.Linear(24 * 36, 64), nn.ReLU(), nn.Linear(64, 4))
trainer = Trainer(detector, 0.01, 640.0 / 4 if FIXED else 1.0)
for epoch in range(20):
    losses = [trainer.step(img[i], box[i]) for i in torch.randperm(len(img)).split(30)]
    score = trainer.validate(img_val, box_val)
    print(f"[{epoch:02d}] loss={sum(losses) / len(losses):.4f} IoU={score:.3f}")
finish("iou", score)
