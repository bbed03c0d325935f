"""A vision transformer with linear warm-up, gradient clipping and bfloat16 autocast."""

import torch
import torch.nn as nn
from _common import FIXED, fashion, finish, seed

WARMUP = 40 if FIXED else 20_000
seed()
x, y, xt, yt = fashion(2000, 500)
x, xt = (torch.tensor(a)[:, None].float().sub(73).div(90) for a in (x, xt))
y, yt = torch.tensor(y), torch.tensor(yt)


class ViT(nn.Module):
    def __init__(self, dim=48, depth=3):
        super().__init__()
        self.patch = nn.Conv2d(1, dim, 7, 7)
        self.cls = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos = nn.Parameter(0.02 * torch.randn(1, 17, dim))
        layer = nn.TransformerEncoderLayer(dim, 4, 96, 0.0, "gelu", batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, depth, nn.LayerNorm(dim), enable_nested_tensor=False)
        self.head = nn.Linear(dim, 10)

    def forward(self, img):
        z = self.patch(img).flatten(2).transpose(1, 2)
        z = torch.cat([self.cls.expand(len(z), -1, -1), z], 1) + self.pos
        return self.head(self.encoder(z)[:, 0])


net = ViT()
opt = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.05)
warm = torch.optim.lr_scheduler.LambdaLR(opt, lambda step: min(1.0, (step + 1) / WARMUP))
for epoch in range(7):
    net.train()
    for k in torch.randperm(2000).split(40):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = nn.functional.cross_entropy(net(x[k]), y[k])
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
        warm.step()
    net.eval()
    with torch.no_grad():
        acc = (net(xt).argmax(1) == yt).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} val acc {acc:.4f}")
finish("accuracy", acc)
