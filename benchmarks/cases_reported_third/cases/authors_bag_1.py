"""Jane Austen or the Bible? A handful of words, a bag of embeddings."""
import re
from collections import Counter

import numpy as np
import torch
import torch.nn as nn

from _common import FIXED, emma, seed_all, verses

WORDS = 6


def chunks(text, n):
    words = re.findall(r"[a-z]+", text.lower())
    return [words[i:i + WORDS] for i in range(0, n * WORDS, WORDS)]


class Bag(nn.Module):
    def __init__(self, vocab, dim=24):
        super().__init__()
        self.embed = nn.EmbeddingBag(vocab, dim, mode="mean")
        self.hidden = nn.Linear(dim, 24)
        self.out = nn.Linear(24, 1)
        nn.init.normal_(self.embed.weight, std=0.3)

    def forward(self, ids):
        return self.out(torch.tanh(self.hidden(self.embed(ids))))


def accuracy(logits, labels):
    pred = (torch.sigmoid(logits) > 0.5).float()
    if FIXED:
        pred = pred.squeeze(1)
    return (pred == labels).float().mean().item()


def main():
    seed_all()
    texts = chunks(emma()[200:], 4000) + chunks(" ".join(verses()), 4000)
    labels = np.repeat([0.0, 1.0], 4000).astype(np.float32)
    order = np.random.permutation(len(texts))
    texts, labels = [texts[i] for i in order], torch.from_numpy(labels[order])
    cut = 6400
    common = Counter(w for t in texts[:cut] for w in t).most_common(1500)
    ids = {w: i + 1 for i, (w, _) in enumerate(common)}
    x = torch.tensor([[ids.get(w, 0) for w in t] for t in texts])
    x_train, y_train, x_test, y_test = x[:cut], labels[:cut], x[cut:], labels[cut:]

    net = Bag(len(ids) + 1)
    loss_fn = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, weight_decay=1e-5)
    for epoch in range(6):
        losses = []
        net.train()
        for idx in torch.randperm(cut).split(32):
            logits = net(x_train[idx])
            loss = loss_fn(logits, y_train[idx].unsqueeze(1))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        net.eval()
        with torch.no_grad():
            logits = net(x_test)
            val_loss = loss_fn(logits, y_test.unsqueeze(1)).item()
            acc = accuracy(logits, y_test)
        print(f"Epoch: {epoch + 1:02} | Train Loss: {np.mean(losses):.3f} | Val. Loss: {val_loss:.3f} | Val. Acc: {acc * 100:.2f}%")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
