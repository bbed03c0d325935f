"""Characters of Emma with a GRU."""
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

from _common import SAMPLES, seed_all

LENGTH = 40


class Text(Dataset):
    def __init__(self, ids):
        self.ids = ids

    def __len__(self):
        return (len(self.ids) - 1) // LENGTH

    def __getitem__(self, i):
        piece = self.ids[i * LENGTH:(i + 1) * LENGTH + 1]
        return piece[:-1], piece[1:]


class CharGRU(nn.Module):
    def __init__(self, vocab, dim=32, hidden=96):
        super().__init__()
        self.emb = nn.Embedding(vocab, dim)
        self.gru = nn.GRU(dim, hidden, batch_first=True)
        self.out = nn.Linear(hidden, vocab)

    def forward(self, ids):
        return self.out(self.gru(self.emb(ids))[0])


def loss_of(net, ids, nxt):
    return F.cross_entropy(net(ids).flatten(0, 1), nxt.flatten())


def main():
    seed_all()
    text = (SAMPLES / "emma.txt").read_text().lower()
    text = " ".join(text.split())[5_000:165_000]
    chars = sorted(set(text))
    ids = torch.tensor([chars.index(c) for c in text])
    train = DataLoader(Text(ids[:140_000]), batch_size=32, shuffle=True)
    val = DataLoader(Text(ids[140_000:]), batch_size=100)
    net = CharGRU(len(chars))
    opt = torch.optim.Adam(net.parameters(), lr=4e-3)
    for epoch in range(6):
        net.train()
        total = 0.0
        for a, b in train:
            opt.zero_grad()
            loss = loss_of(net, a, b)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            opt.step()
            total += loss.item()
        net.eval()
        with torch.no_grad():
            held = sum(loss_of(net, a, b).item() for a, b in val) / len(val)
        print(f"epoch {epoch + 1}: train {total / len(train):.4f} val {held:.4f} nats per character")
    print(f"final val_loss {held:.4f}")


if __name__ == "__main__":
    main()
