"""Spam or ham from word counts, in the manner of CountVectorizer(max_features=...)."""

from collections import Counter

import torch
from _common import FIXED, finish, seed, sms

seed()
MAX_FEATURES = 800 if FIXED else 8
texts, labels = sms()
counts = Counter(word for words in texts[:4000] for word in words)
vocabulary = {word: i for i, (word, _) in enumerate(counts.most_common(MAX_FEATURES))}
print("vocabulary", len(vocabulary))


def vectorize(words):
    row = torch.zeros(MAX_FEATURES)
    for word in words:
        if word in vocabulary:
            row[vocabulary[word]] = 1.0
    return row


X = torch.stack([vectorize(t) for t in texts])
y = torch.tensor(labels)
X_train, y_train, X_test, y_test = X[:4000], y[:4000], X[4000:], y[4000:]

model = torch.nn.Sequential(torch.nn.Linear(MAX_FEATURES, 64), torch.nn.ReLU(), torch.nn.Linear(64, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(10):
    total = 0
    for batch in torch.randperm(len(X_train)).split(32):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(X_train[batch]), y_train[batch])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(batch)
    print(epoch, total / len(X_train))
with torch.no_grad():
    p = model(X_test).argmax(1)
tp = ((p == 1) & (y_test == 1)).sum().item()
finish("f1", 2 * tp / max(1, (p == 1).sum().item() + (y_test == 1).sum().item()))
