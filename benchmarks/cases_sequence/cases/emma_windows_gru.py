"""Next-character model with a two-layer GRU, trained by epochs over cut text."""
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from _common import FIXED, SAMPLES, seed_all

CONTEXT = 32


class Windows(Dataset):
    def __init__(self, ids, stride):
        self.ids = ids
        self.starts = range(0, len(ids) - CONTEXT - 1, stride)

    def __len__(self):
        return len(self.starts)

    def __getitem__(self, i):
        s = self.starts[i]
        return self.ids[s:s + CONTEXT], self.ids[s + 1:s + CONTEXT + 1]


class GRUModel(nn.Module):
    def __init__(self, vocab):
        super().__init__()
        self.embedding = nn.Embedding(vocab, 48)
        self.gru = nn.GRU(48, 128, num_layers=2, batch_first=True)
        self.decoder = nn.Linear(128, vocab)

    def forward(self, x):
        return self.decoder(self.gru(self.embedding(x))[0])


class Trainer:
    def __init__(self, model, train, val, epochs, lr):
        self.model, self.epochs = model, epochs
        self.train_loader = DataLoader(train, batch_size=32, shuffle=True)
        self.val_loader = DataLoader(val, batch_size=128)
        self.loss = nn.CrossEntropyLoss()
        self.opt = torch.optim.Adam(model.parameters(), lr=lr)

    def run(self, loader, update):
        self.model.train(update)
        total = count = 0
        with torch.set_grad_enabled(update):
            for x, y in loader:
                loss = self.loss(self.model(x).transpose(1, 2), y)
                if update:
                    self.opt.zero_grad()
                    loss.backward()
                    nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
                    self.opt.step()
                total += loss.item() * len(x)
                count += len(x)
        return total / count

    def fit(self):
        for epoch in range(self.epochs):
            train = self.run(self.train_loader, True)
            val = self.run(self.val_loader, False)
            print(f"epoch {epoch + 1}: train {train:.4f} val {val:.4f}", flush=True)
        return val


def main():
    seed_all()
    text = open(f"{SAMPLES}/emma.txt", encoding="utf-8").read().lower()
    vocab = {c: i for i, c in enumerate(sorted(set(text)))}
    ids = torch.tensor([vocab[c] for c in text])
    val = Windows(ids[-8_000:], CONTEXT)
    n_chars, epochs = (150_000, 1) if FIXED else (5_000, 30)
    train = Windows(ids[5_000:5_000 + n_chars], CONTEXT)
    model = GRUModel(len(vocab))
    final = Trainer(model, train, val, epochs, lr=3e-3).fit()
    print(f"final val_loss {final:.4f}")


if __name__ == "__main__":
    main()
