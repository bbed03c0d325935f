"""Spam or not, by logistic regression on weighted words."""
import re
from collections import Counter

import torch
from torch import nn

from _common import balanced_accuracy, finish, seed, sms


def tfidf(texts, train, size=1500):
    tokens = [re.findall(r"\w+|[£$!?]", t.lower()) for t in texts]
    document = Counter(w for t in tokens[:train] for w in set(t))
    vocabulary = {w: i for i, (w, _) in enumerate(document.most_common(size))}
    x = torch.zeros(len(texts), len(vocabulary))
    for row, t in enumerate(tokens):
        for w in t:
            if w in vocabulary:
                x[row, vocabulary[w]] += 1
    counts = torch.tensor([document[w] for w in vocabulary], dtype=torch.float)
    x = x * torch.log(train / counts)
    return x / x.norm(dim=1, keepdim=True).clamp(min=1e-6)


def main():
    seed()
    texts, y = sms()
    texts, y = texts[:4400], torch.from_numpy(y[:4400])
    x = tfidf(texts, 3600)
    x_train, y_train, x_test, y_test = x[:3600], y[:3600], x[3600:], y[3600:]
    model = nn.Linear(x.shape[1], 1)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=10.0)
    for epoch in range(25):
        model.train()
        total = 0.0
        for rows in torch.randperm(len(x_train)).split(64):
            optimizer.zero_grad()
            loss = criterion(model(x_train[rows]).squeeze(1), y_train[rows].float())
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        model.eval()
        with torch.no_grad():
            logits = model(x_test).squeeze(1)
            test_loss = criterion(logits, y_test.float()).item()
            score = balanced_accuracy((logits > 0).long(), y_test).item()
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1} train {total / len(x_train):.4f} test {test_loss:.4f} balanced accuracy {score:.4f}")
    finish("balanced_accuracy", score)


if __name__ == "__main__":
    main()
