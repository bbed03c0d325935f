"""Transformer encoder that tags every token with its depth in nested brackets."""
import torch
from torch import nn

from _common import FIXED, seed_all

LENGTH, DEPTHS = 20, 6


def make(n, g):
    x = torch.zeros(n, LENGTH, dtype=torch.long)
    y = torch.zeros(n, LENGTH, dtype=torch.long)
    depth = torch.zeros(n, dtype=torch.long)
    for t in range(LENGTH):
        r = torch.rand(n, generator=g)
        open_ = ((r < 0.4) & (depth < DEPTHS - 1))
        close = ((r > 0.6) & (depth > 0))
        depth = depth + open_.long() - close.long()
        x[:, t] = 2 * open_.long() + close.long()
        y[:, t] = depth
    return x, y


class Block(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.attn = nn.MultiheadAttention(d, heads, batch_first=True)
        self.ff = nn.Sequential(nn.Linear(d, 2 * d), nn.ReLU(), nn.Linear(2 * d, d))

    def forward(self, x):
        n = self.norm1(x)
        mask = torch.triu(torch.ones(x.size(1), x.size(1), dtype=torch.bool), 1)
        x = x + self.attn(n, n, n, attn_mask=mask, need_weights=False)[0]
        return x + self.ff(self.norm2(x))


class Tagger(nn.Module):
    def __init__(self, d=32, heads=4, layers=2):
        super().__init__()
        self.embed = nn.Embedding(3, d)
        self.position = nn.Embedding(LENGTH, d)
        blocks = [Block(d, heads) for _ in range(layers)]
        self.blocks = nn.ModuleList(blocks) if FIXED else blocks
        self.out = nn.Linear(d, DEPTHS)

    def forward(self, x):
        h = self.embed(x) + self.position(torch.arange(x.size(1)))
        for block in self.blocks:
            h = block(h)
        return self.out(h)


def main():
    seed_all()
    g = torch.Generator().manual_seed(2)
    x_train, y_train = make(2500, g)
    x_val, y_val = make(500, g)
    model = Tagger()
    print("parameters:", sum(p.numel() for p in model.parameters()))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(6):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(x_train)).split(64):
            loss = criterion(model(x_train[idx]).permute(0, 2, 1), y_train[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        model.eval()
        with torch.no_grad():
            acc = (model(x_val).argmax(-1) == y_val).float().mean().item()
        print(f"epoch {epoch + 1}: train loss {total / len(x_train):.4f}, tag accuracy {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
