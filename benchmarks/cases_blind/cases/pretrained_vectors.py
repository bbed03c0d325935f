"""Tickets are sorted by part numbers and common words; word vectors come from elsewhere."""

import torch
import torch.nn as nn
from _common import FIXED, finish, seed

COMMON, PARTS, DIM, QUEUES = 100, 150, 24, 6


def tickets(n, queue_of_part):
    ids = torch.randint(0, COMMON, (n, 14))
    queue = torch.randint(0, QUEUES, (n,))
    for row in range(n):
        own = (queue_of_part == queue[row]).nonzero().flatten()
        at = torch.randperm(14)[:3]
        ids[row, at] = COMMON + own[torch.randint(0, len(own), (3,))]
    return ids, queue


def vector_file():
    """Vectors of the common words only."""
    table = torch.zeros(COMMON + PARTS, DIM)
    table[:COMMON] = 0.4 * torch.randn(COMMON, DIM)
    return table


class TextCNN(nn.Module):
    def __init__(self, vectors):
        super().__init__()
        if FIXED:
            vectors[COMMON:].normal_(std=0.4)
            self.emb = nn.Embedding.from_pretrained(vectors, freeze=False)
        else:
            self.emb = nn.Embedding.from_pretrained(vectors)
        self.convs = nn.ModuleList([nn.Conv1d(DIM, 24, k, padding=k // 2) for k in (1, 3)])
        self.fc = nn.Linear(48, QUEUES)

    def forward(self, ids):
        x = self.emb(ids).transpose(1, 2)
        return self.fc(torch.cat([torch.relu(c(x)).amax(-1) for c in self.convs], 1))


seed()
queue_of_part = torch.arange(PARTS) % QUEUES
ids, queue = tickets(2000, queue_of_part)
ids_t, queue_t = tickets(500, queue_of_part)
model = TextCNN(vector_file())
optimizer = torch.optim.Adam((p for p in model.parameters() if p.requires_grad), lr=3e-3)
for epoch in range(8):
    model.train()
    for b in torch.randperm(2000).split(40):
        loss = nn.functional.cross_entropy(model(ids[b]), queue[b])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch} loss {loss.item():.4f}")
model.eval()
with torch.no_grad():
    finish("accuracy", (model(ids_t).argmax(1) == queue_t).float().mean())
