"""Spam is rare: a convolutional reader of short messages, errors on spam weighted by its rarity."""
import re
from collections import Counter

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import seed_all, sms

LENGTH, VOCAB = 40, 2000


def words(text):
    return re.findall(r"[a-z']+|\d+|[^\sa-z\d]", re.sub(r"\d", "0", text.lower()))


class TextCNN(nn.Module):
    def __init__(self, emb=24, maps=24):
        super().__init__()
        self.embed = nn.Embedding(VOCAB + 2, emb, padding_idx=0)
        self.convs = nn.ModuleList(nn.Conv1d(emb, maps, k, padding=1) for k in (2, 3, 4))
        self.drop, self.out = nn.Dropout(0.5), nn.Linear(3 * maps, 1)

    def forward(self, tokens):
        e = self.embed(tokens).transpose(1, 2)
        h = torch.cat([F.relu(c(e)).amax(2) for c in self.convs], 1)
        return self.out(self.drop(h)).squeeze(1)


def f1_of(logits, y):
    said = logits > 0
    hit = (said & (y > 0)).sum().item()
    return 2 * hit / max(1, said.sum().item() + int(y.sum().item()))


def main():
    seed_all()
    texts, labels = sms()
    order = torch.randperm(len(texts)).tolist()
    tokens = [words(texts[i]) for i in order]
    y = torch.from_numpy(labels)[order].float()
    cut = 4000
    common = {w: i + 2 for i, (w, _) in enumerate(Counter(w for t in tokens[:cut] for w in t).most_common(VOCAB))}
    x = torch.tensor([([common.get(w, 1) for w in t] + [0] * LENGTH)[:LENGTH] for t in tokens])
    rarity = (y[:cut] == 0).sum() / (y[:cut] == 1).sum()
    print(f"{int(y[:cut].sum())} of {cut} are spam, weight {rarity:.1f}")
    loader = DataLoader(TensorDataset(x[:cut], y[:cut]), batch_size=64, shuffle=True)
    net, criterion = TextCNN(), nn.BCEWithLogitsLoss(pos_weight=rarity)
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(6):
        net.train()
        total = 0.0
        for xb, yb in loader:
            opt.zero_grad()
            loss = criterion(net(xb), yb)
            loss.backward()
            opt.step()
            total += loss.item()
        net.eval()
        with torch.no_grad():
            out = net(x[cut:])
        f1 = f1_of(out, y[cut:])
        print(f"epoch {epoch + 1}: train {total / len(loader):.4f} val {criterion(out, y[cut:]).item():.4f} f1 {f1:.4f}")
    print(f"final f1 {f1:.4f}")


if __name__ == "__main__":
    main()
