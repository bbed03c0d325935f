"""Ham or spam from word embeddings."""
import re
from collections import Counter

import torch
import torch.nn.functional as F
from torch import nn

from _common import FIXED, seed_all, sms

N_TRAIN, DIM, DROP, DECAY = (3600, 16, 0.3, 1e-2) if FIXED else (150, 128, 0.0, 0.0)
STEPS, EVERY = 1000, 100


def words(text):
    return re.findall(r"[a-z]+|\d|[£!?]", text.lower())[:40]


class BagNet(nn.Module):
    def __init__(self, vocab):
        super().__init__()
        self.emb = nn.Embedding(vocab, DIM, padding_idx=0)
        self.hidden, self.out = nn.Linear(DIM, 2 * DIM), nn.Linear(2 * DIM, 1)

    def forward(self, ids):
        h = self.emb(ids).sum(1) / (ids > 0).sum(1, keepdim=True).clamp(min=1)
        h = F.dropout(F.relu(self.hidden(h)), DROP, self.training)
        return self.out(h).squeeze(1)


def main():
    seed_all()
    texts, y = sms()
    unique = {tuple(words(t)): label for t, label in zip(texts, y.tolist()) if words(t)}
    tokens = list(unique)
    count = Counter(w for t in tokens for w in t)
    vocab = {w: i + 2 for i, (w, _) in enumerate(count.most_common(3000))}
    x = torch.tensor([([vocab.get(w, 1) for w in t] + [0] * 40)[:40] for t in tokens])
    y = torch.tensor(list(unique.values())).float()
    order = torch.randperm(len(y))
    tr, va = order[:N_TRAIN], order[3600:]
    net = BagNet(len(vocab) + 2)
    opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=DECAY)
    running, queue = 0.0, []
    for step in range(STEPS):
        if not queue:
            queue = list(tr[torch.randperm(len(tr))].split(50))
        idx = queue.pop()
        net.train()
        loss = F.binary_cross_entropy_with_logits(net(x[idx]), y[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        running += loss.item() / EVERY
        if (step + 1) % EVERY == 0:
            net.eval()
            with torch.no_grad():
                out = net(x[va])
                val = F.binary_cross_entropy_with_logits(out, y[va]).item()
            acc = ((out > 0).float() == y[va]).float().mean().item()
            print(f"step {step + 1}: train loss {running:.4f} val loss {val:.4f} accuracy {acc:.4f}")
            running = 0.0
    print(f"final val_loss {val:.4f}")


main()
