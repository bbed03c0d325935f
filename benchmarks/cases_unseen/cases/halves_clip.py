"""Two encoders and a symmetric contrastive loss: which lower half of a picture belongs to which upper half?"""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import FIXED, fashion, finish, seed


def encoder(width=64):
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(), nn.Flatten(),
        nn.Linear(32 * 4 * 7, 128), nn.ReLU(), nn.Linear(128, width),
    )  # fmt: skip


class DualEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.upper, self.lower = encoder(), encoder()
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07) if FIXED else 1 / 0.07))

    def forward(self, a, b):
        a, b = F.normalize(self.upper(a), dim=-1), F.normalize(self.lower(b), dim=-1)
        return self.logit_scale.exp() * a @ b.T


def clip_loss(logits):
    target = torch.arange(len(logits))
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def main():
    seed()
    images, _, test_images, _ = fashion(3000, 500)
    x, xt = ((torch.tensor(v).float()[:, None] / 255 - 0.286) / 0.353 for v in (images, test_images))
    model = DualEncoder()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    for epoch in range(10):
        for idx in torch.randperm(len(x)).split(60):
            loss = clip_loss(model(x[idx, :, :14], x[idx, :, 14:]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch} loss {loss.item():.4f} scale {model.logit_scale.exp().item():.1f}")
    with torch.no_grad():
        best = model(xt[:, :, :14], xt[:, :, 14:]).topk(5, dim=1).indices
    finish("recall_at_5", (best == torch.arange(len(xt))[:, None]).any(1).float().mean())


main()
