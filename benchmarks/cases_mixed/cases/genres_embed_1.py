"""Tag stories with several topics at once, from their bags of words (a made-up corpus)."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, seed_all

TOPICS, VOCAB, LENGTH = 12, 400, 30


def corpus(n, word_dist):
    tags = (np.random.rand(n, TOPICS) < 0.14).astype(np.float32)
    docs = np.zeros((n, LENGTH), dtype=np.int64)
    for i in range(n):
        mix = word_dist[-1] + 1.2 * (tags[i][:, None] * word_dist[:-1]).sum(0)
        docs[i] = np.random.choice(VOCAB, LENGTH, p=mix / mix.sum())
    return TensorDataset(torch.from_numpy(docs), torch.from_numpy(tags))


class Tagger(nn.Module):
    def __init__(self, dim=48):
        super().__init__()
        self.words = nn.EmbeddingBag(VOCAB, dim, mode="mean")
        self.mlp = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, TOPICS))

    def forward(self, docs):
        out = self.mlp(self.words(docs))
        return out if FIXED else torch.sigmoid(out)


def micro_f1(scores, tags):
    probs = torch.sigmoid(scores) if FIXED else scores
    guess = (probs > 0.5).float()
    return (2 * (guess * tags).sum() / (guess.sum() + tags.sum()).clamp(min=1)).item()


def main():
    seed_all()
    word_dist = np.random.dirichlet(np.full(VOCAB, 0.05), TOPICS + 1)
    train = DataLoader(corpus(4000, word_dist), batch_size=64, shuffle=True)
    val = DataLoader(corpus(600, word_dist), batch_size=600)
    net, criterion = Tagger(), nn.BCEWithLogitsLoss()
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    for epoch in range(9):
        net.train()
        total = 0.0
        for docs, tags in train:
            opt.zero_grad()
            loss = criterion(net(docs), tags)
            loss.backward()
            opt.step()
            total += loss.item()
        net.eval()
        with torch.no_grad():
            docs, tags = next(iter(val))
            scores = net(docs)
            val_loss, f1 = criterion(scores, tags).item(), micro_f1(scores, tags)
        print(f"epoch {epoch:2d} loss {total / len(train):.4f} val {val_loss:.4f} f1 {f1:.4f}")
    print(f"final f1 {f1:.4f}")


if __name__ == "__main__":
    main()
