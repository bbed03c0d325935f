"""Spam or ham: bag of words and a dense network with one output."""
import csv
import re
from collections import Counter

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, SAMPLES, seed_all

VOCAB = 500


def read_messages():
    with open(SAMPLES / "sms.csv", newline="") as f:
        rows = list(csv.DictReader(f))
    texts = [re.findall(r"[a-z]+|\d+|[!?£$]", r["text"].lower()) for r in rows]
    texts = [["<num>" if t.isdigit() else t for t in words] for words in texts]
    return texts, torch.tensor([float(r["label"] == "spam") for r in rows])


def vectorise(texts, vocab):
    index = {w: i for i, w in enumerate(vocab)}
    x = torch.zeros(len(texts), len(vocab))
    for n, words in enumerate(texts):
        for w in words:
            if w in index:
                x[n, index[w]] = 1.0
    return x


class SpamNet(nn.Module):
    def __init__(self, n_in):
        super().__init__()
        self.fc1 = nn.Linear(n_in, 32)
        self.fc2 = nn.Linear(32, 1)
        self.drop = nn.Dropout(0.3)
        self.out = nn.Sigmoid() if FIXED else nn.Softmax(dim=1)

    def forward(self, x):
        return self.out(self.fc2(self.drop(torch.relu(self.fc1(x)))))


def main():
    seed_all()
    texts, y = read_messages()
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(1)).tolist()
    texts, y = [texts[i] for i in order], y[order].unsqueeze(1)
    n = int(0.8 * len(y))
    vocab = [w for w, _ in Counter(w for t in texts[:n] for w in t).most_common(VOCAB)]
    x = vectorise(texts, vocab)
    loader = DataLoader(TensorDataset(x[:n], y[:n]), batch_size=64, shuffle=True)
    model = SpamNet(len(vocab))
    criterion = nn.BCELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(6):
        model.train()
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            pred = (model(x[n:]) > 0.5).float()
        recall = pred[y[n:] == 1].mean().item()
        specificity = 1 - pred[y[n:] == 0].mean().item()
        print(f"epoch {epoch + 1} loss {total / len(loader):.4f} recall {recall:.3f} specificity {specificity:.3f}")
    print(f"final balanced_accuracy {(recall + specificity) / 2:.4f}")


if __name__ == "__main__":
    main()
