"""Character language model (LSTM) on Jane Austen's Emma."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

from _common import FIXED, SAMPLES, seed_all

seed_all()
text = open(f"{SAMPLES}/emma.txt", encoding="utf-8").read()[:200_000]
chars = sorted(set(text))
stoi = {c: i for i, c in enumerate(chars)}
ids = torch.tensor([stoi[c] for c in text])
cut = int(0.9 * len(ids))
train_ids, val_ids = ids[:cut], ids[cut:]
SEQ, BATCH = 32, 32


class CharLSTM(nn.Module):
    def __init__(self, vocab, emb=32, hidden=96):
        super().__init__()
        self.emb = nn.Embedding(vocab, emb)
        self.lstm = nn.LSTM(emb, hidden, batch_first=True)
        self.out = nn.Linear(hidden, vocab)

    def forward(self, x):
        h, _ = self.lstm(self.emb(x))
        return self.out(h)


def get_batch(source):
    starts = torch.randint(0, len(source) - SEQ - 1, (BATCH,))
    x = torch.stack([source[s:s + SEQ] for s in starts])
    y = torch.stack([source[s + 1:s + SEQ + 1] for s in starts])
    return x, y


@torch.no_grad()
def evaluate(model):
    model.eval()
    n = len(val_ids) // SEQ - 1
    x = val_ids[:n * SEQ].view(n, SEQ)
    y = val_ids[1:n * SEQ + 1].view(n, SEQ)
    losses = [F.cross_entropy(model(a).flatten(0, 1), b.flatten()) for a, b in zip(x.split(128), y.split(128))]
    return torch.stack(losses).mean().item() / math.log(2)


model = CharLSTM(len(chars))
lr = 4e-3 if FIXED else 1e-5
optimizer = torch.optim.Adam(model.parameters(), lr=lr)

for epoch in range(6):
    model.train()
    total = 0.0
    for _ in range(50):
        x, y = get_batch(train_ids)
        logits = model(x)
        loss = F.cross_entropy(logits.flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        total += loss.item()
    bits = evaluate(model)
    print(f"epoch {epoch + 1}  train loss {total / 50:.4f}  val bits/char {bits:.4f}")

print(f"final bits_per_char {bits:.4f}")
