"""A vision transformer with warm-up, cosine, weight decay, label smoothing and flips."""
import math

from _common import *
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Block(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.att = nn.MultiheadAttention(dim, heads, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, x):
        h = self.n1(x)
        x = x + self.att(h, h, h, need_weights=False)[0]
        return x + self.mlp(self.n2(x))


class ViT(nn.Module):
    def __init__(self, dim=48):
        super().__init__()
        self.embed = nn.Linear(49, dim)
        self.pos = nn.Parameter(torch.randn(16, dim) * 0.02)
        self.blocks = nn.Sequential(*[Block(dim, 4) for _ in range(3)])
        self.head = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, 10))

    def forward(self, x):
        p = x.unfold(2, 7, 7).unfold(3, 7, 7).reshape(len(x), 16, 49)
        return self.head(self.blocks(self.embed(p) + self.pos).mean(1))


def main(epochs=8, batch_size=64):
    seed()
    x, y, xt, yt = fashion_tensors()
    model = ViT()
    opt = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.05)
    loader = DataLoader(TensorDataset(x, y), batch_size, shuffle=True, drop_last=True)
    total = epochs * len(loader)
    sched = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min(1, s / 20) * 0.5 * (1 + math.cos(math.pi * s / total)))
    for epoch in range(epochs):
        model.train()
        for xb, yb in loader:
            if random.random() < 0.5:
                xb = xb.flip(3)
            loss = nn.functional.cross_entropy(model(xb), yb, label_smoothing=0.1)
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            sched.step()
        model.eval()
        with torch.inference_mode():
            out = model(xt)
            print(epoch, nn.functional.cross_entropy(out, yt).item(), (out.argmax(1) == yt).float().mean().item())


main()
