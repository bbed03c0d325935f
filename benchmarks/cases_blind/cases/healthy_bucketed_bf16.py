"""Rows are batched with others of like length, the batches are shuffled; bfloat16 autocast, clipping after unscaling."""

import random

import torch
import torch.nn as nn
from _common import finish, seed

seed()


def rows(n):
    out = []
    for _ in range(n):
        length = random.randint(4, 24)
        row = [random.randint(2, 11) for _ in range(length)]
        out.append((row, int(sum(v % 3 for v in row) > len(row))))
    return out


def pad(batch):
    longest = max(len(r) for r, _ in batch)
    ids = torch.tensor([r + [0] * (longest - len(r)) for r, _ in batch])
    return ids, torch.tensor([len(r) for r, _ in batch]), torch.tensor([y for _, y in batch])


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(12, 32, padding_idx=0)
        self.each = nn.Sequential(nn.Linear(32, 64), nn.GELU(), nn.Linear(64, 64))
        self.out = nn.Sequential(nn.LayerNorm(64), nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 2))

    def forward(self, ids, lengths):
        there = (torch.arange(ids.shape[1]) < lengths[:, None]).unsqueeze(-1)
        return self.out((self.each(self.emb(ids)) * there).sum(1) / lengths[:, None])


train, test = sorted(rows(2400), key=lambda r: len(r[0])), rows(400)
buckets = [train[i : i + 40] for i in range(0, len(train), 40)]
net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
for epoch in range(8):
    random.shuffle(buckets)
    for bucket in buckets:
        ids, lengths, y = pad(bucket)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            scores = net(ids, lengths)
        loss = nn.functional.cross_entropy(scores.float(), y)
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
    print(f"epoch {epoch} loss {loss.item():.4f}")
with torch.no_grad():
    ids, lengths, y = pad(test)
    finish("accuracy", (net(ids, lengths).argmax(1) == y).float().mean())
