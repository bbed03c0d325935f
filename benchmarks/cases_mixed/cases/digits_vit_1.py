"""A small vision transformer on 8x8 digits."""
import torch
import torch.nn.functional as F
from torch import nn

from _common import FIXED, seed_all, table


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
    def __init__(self, dim=32, depth=3, heads=4):
        super().__init__()
        self.patch = nn.Linear(4, dim)
        self.pos = nn.Parameter(torch.randn(1, 16, dim) * 0.1)
        blocks = [Block(dim, heads) for _ in range(depth)]
        self.blocks = nn.ModuleList(blocks) if FIXED else blocks
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, 10)

    def forward(self, images):
        p = images.unfold(1, 2, 2).unfold(2, 2, 2).reshape(len(images), 16, 4)
        x = self.patch(p) + self.pos
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x).mean(1))


def main():
    seed_all()
    d = table("digits")
    x = (torch.from_numpy(d["x"]).float() - 4.9) / 6.0
    y = torch.from_numpy(d["y"])
    order = torch.randperm(len(y))
    tr, va = order[:1400], order[1400:]
    net = ViT()
    opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.01)
    for epoch in range(11):
        net.train()
        losses = []
        for idx in tr[torch.randperm(len(tr))].split(32):
            loss = F.cross_entropy(net(x[idx]), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            losses.append(loss.item())
        net.eval()
        with torch.no_grad():
            out = net(x[va])
        val = F.cross_entropy(out, y[va]).item()
        acc = (out.argmax(1) == y[va]).float().mean().item()
        print(f"epoch {epoch + 1}: train {sum(losses) / len(losses):.4f} val {val:.4f} accuracy {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


main()
