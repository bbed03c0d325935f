"""Letters from sixteen measurements, every measurement a token (own attention, accumulation over two batches)."""
import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

from _common import letters, seed_all


class Tokenizer(nn.Module):
    def __init__(self, n, dim):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n, dim) / math.sqrt(dim))
        self.bias = nn.Parameter(torch.randn(n, dim) / math.sqrt(dim))
        self.cls = nn.Parameter(torch.randn(1, 1, dim) / math.sqrt(dim))

    def forward(self, x):
        tokens = x.unsqueeze(-1) * self.weight + self.bias
        return torch.cat([self.cls.expand(len(x), 1, -1), tokens], dim=1)


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.to_qkv, self.out = nn.Linear(dim, 3 * dim, bias=False), nn.Linear(dim, dim)

    def forward(self, x):
        q, k, v = (p.unflatten(-1, (self.heads, -1)) for p in self.to_qkv(x).chunk(3, -1))
        weights = (torch.einsum("bqhd,bkhd->bhqk", q, k) / math.sqrt(q.size(-1))).softmax(-1)
        return self.out(torch.einsum("bhqk,bkhd->bqhd", weights, v).flatten(2))


class Layer(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.n1, self.n2, self.attn = nn.LayerNorm(dim), nn.LayerNorm(dim), Attention(dim, heads)
        self.ff = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Dropout(0.1), nn.Linear(2 * dim, dim))

    def forward(self, x):
        x = x + self.attn(self.n1(x))
        return x + self.ff(self.n2(x))


class TabTransformer(nn.Module):
    def __init__(self, n, classes, dim=32, heads=4, depth=2):
        super().__init__()
        self.tokens = Tokenizer(n, dim)
        self.layers = nn.ModuleList([Layer(dim, heads) for _ in range(depth)])
        self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, classes)

    def forward(self, x):
        x = self.tokens(x)
        for layer in self.layers:
            x = layer(x)
        return self.head(self.norm(x[:, 0]))


def main():
    seed_all()
    x, y = letters()
    order = np.random.permutation(len(x))[:11000]
    x, y = x[order], y[order]
    x = (x - x[:9000].mean(0)) / x[:9000].std(0)
    train = TensorDataset(torch.from_numpy(x[:9000]), torch.from_numpy(y[:9000]))
    val_x, val_y = torch.from_numpy(x[9000:]), torch.from_numpy(y[9000:])
    loader = DataLoader(train, batch_size=64, shuffle=True, drop_last=True)
    model = TabTransformer(16, 26)
    decay = [p for p in model.parameters() if p.dim() == 2]
    rest = [p for p in model.parameters() if p.dim() != 2]
    optimizer = torch.optim.AdamW([{"params": decay, "weight_decay": 0.01}, {"params": rest, "weight_decay": 0.0}], lr=3e-3)
    accumulate, epochs = 2, 11
    updates = epochs * len(loader) // accumulate
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min((s + 1) / 50, 0.5 * (1 + math.cos(math.pi * min(1.0, s / updates)))))
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for i, (a, b) in enumerate(loader):
            loss = F.cross_entropy(model(a), b)
            (loss / accumulate).backward()
            total += loss.item()
            if (i + 1) % accumulate == 0:
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                optimizer.zero_grad()
                schedule.step()
        model.eval()
        with torch.no_grad():
            out = model(val_x)
            val, acc = F.cross_entropy(out, val_y).item(), (out.argmax(1) == val_y).float().mean().item()
        print(f"epoch {epoch + 1}: train {total / len(loader):.4f} val {val:.4f} accuracy {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
