"""Ham or spam: a character convolution, with a decaying rate."""
import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.lr_scheduler import ExponentialLR
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, seed_all, sms

LENGTH, EPOCHS = 100, 6
ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789 .,!?'£$&@/:-+"


def encode(text):
    ids = [ALPHABET.find(c) + 2 for c in text.lower()[:LENGTH]]
    return ids + [0] * (LENGTH - len(ids))


class CharConv(nn.Module):
    def __init__(self, dim=16, channels=48):
        super().__init__()
        self.emb = nn.Embedding(len(ALPHABET) + 2, dim, padding_idx=0)
        nn.init.normal_(self.emb.weight, std=0.3)
        self.conv = nn.Conv1d(dim, channels, 5, padding=2)
        self.out = nn.Linear(channels, 2)

    def forward(self, ids):
        h = F.relu(self.conv(self.emb(ids).transpose(1, 2)))
        return self.out(F.dropout(h.amax(2), 0.3, self.training))


def f1_score(guess, y):
    tp = ((guess == 1) & (y == 1)).sum().item()
    return 2 * tp / max(1, (guess == 1).sum().item() + (y == 1).sum().item())


def main():
    seed_all()
    texts, y = sms()
    unique = {tuple(encode(t)): label for t, label in zip(texts, y.tolist())}
    x, y = torch.tensor(list(unique)), torch.tensor(list(unique.values()))
    order = torch.randperm(len(y))
    x, y = x[order], y[order]
    train = DataLoader(TensorDataset(x[:3600], y[:3600]), batch_size=32, shuffle=True)
    xv, yv = x[3600:], y[3600:]
    net = CharConv()
    opt = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
    scheduler = ExponentialLR(opt, gamma=0.9)
    for epoch in range(EPOCHS):
        net.train()
        total = 0.0
        for ids, labels in train:
            opt.zero_grad()
            loss = F.cross_entropy(net(ids), labels)
            loss.backward()
            opt.step()
            if not FIXED:
                scheduler.step()
            total += loss.item()
        if FIXED:
            scheduler.step()
        net.eval()
        with torch.no_grad():
            out = net(xv)
        val, f1 = F.cross_entropy(out, yv).item(), f1_score(out.argmax(1), yv)
        print(f"epoch {epoch + 1}: train {total / len(train):.4f} val {val:.4f} f1 {f1:.4f}")
    print(f"final f1 {f1:.4f}")


if __name__ == "__main__":
    main()
