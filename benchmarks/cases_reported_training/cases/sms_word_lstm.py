"""Spam or not, with an LSTM over words."""
import re
from collections import Counter

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

from _common import FIXED, balanced_accuracy, finish, seed, sms

LONGEST = 120


class LSTMClassifier(nn.Module):
    def __init__(self, vocab_size, embed_dim=32, hidden_dim=32):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embed_dim, padding_idx=0)
        self.lstm = nn.LSTM(embed_dim, hidden_dim, batch_first=True)
        self.fc = nn.Linear(hidden_dim, 2)

    def forward(self, text, lengths):
        output, _ = self.lstm(self.embedding(text))
        if FIXED:
            last = output[torch.arange(len(text)), lengths - 1]
        else:
            last = output[:, -1, :]
        return self.fc(last)


def tokenize(text):
    return re.findall(r"\w+|[£$!?]", text.lower())[:LONGEST] or ["."]


def main():
    seed()
    texts, labels = sms()
    texts, labels = texts[:3000], torch.from_numpy(labels[:3000])
    tokens = [tokenize(t) for t in texts]
    counter = Counter(w for t in tokens[:2400] for w in t)
    vocab = {w: i + 2 for i, (w, n) in enumerate(counter.most_common(2000))}
    rows = [torch.tensor([vocab.get(w, 1) for w in t]) for t in tokens]
    lengths = torch.tensor([len(r) for r in rows])
    padded = pad_sequence([*rows, torch.zeros(LONGEST, dtype=torch.long)], batch_first=True)[:-1]
    train = list(zip(padded[:2400], lengths[:2400], labels[:2400]))
    loader = DataLoader(train, batch_size=32, shuffle=True)
    model = LSTMClassifier(len(vocab) + 2)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(5):
        model.train()
        epoch_loss = 0.0
        for text, length, label in loader:
            optimizer.zero_grad()
            loss = criterion(model(text, length), label)
            loss.backward()
            optimizer.step()
            epoch_loss += loss.item()
        model.eval()
        with torch.no_grad():
            guess = model(padded[2400:], lengths[2400:]).argmax(1)
        score = balanced_accuracy(guess, labels[2400:]).item()
        print(f"epoch {epoch + 1} loss {epoch_loss / len(loader):.4f} balanced accuracy {score:.4f}")
    finish("balanced_accuracy", score)


if __name__ == "__main__":
    main()
