"""Tags of articles. The table holds a list of tags for each article."""

import torch
import torch.nn as nn
from _common import FIXED, finish, seed

TAGS, WORDS = 12, 300


def articles(n, topics, generator):
    """Return counts of words (n, WORDS) and tags (n, TAGS) of 0 and 1; an article has one to five tags."""
    tags = torch.zeros(n, TAGS)
    for i in range(n):
        k = torch.randint(1, 6, (1,), generator=generator).item()
        tags[i, torch.randperm(TAGS, generator=generator)[:k]] = 1
    share = tags @ topics / tags.sum(1, keepdim=True)
    words = torch.multinomial(share, 80, replacement=True, generator=generator)
    return torch.zeros(n, WORDS).scatter_add_(1, words, torch.ones_like(words, dtype=torch.float)), tags


def explode(x, tags):
    """One row for each pair of an article and one of its tags."""
    row, tag = tags.nonzero(as_tuple=True)
    return x[row], tag


def f1(predicted, true):
    both = (predicted * true).sum()
    return 2 * both / (predicted.sum() + true.sum())


seed()
generator = torch.Generator().manual_seed(21)
topics = torch.distributions.Dirichlet(torch.full((WORDS,), 0.08)).sample((TAGS,))
x, tags = articles(2500, topics, generator)
x = x.sqrt()
x_train, t_train, x_test, t_test = x[:2000], tags[:2000], x[2000:], tags[2000:]
model = nn.Sequential(nn.Linear(WORDS, 96), nn.ReLU(), nn.Linear(96, TAGS))
if FIXED:
    rows, target, criterion = x_train, t_train, nn.BCEWithLogitsLoss()
else:
    rows, target = explode(x_train, t_train)
    criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(15):
    for idx in torch.randperm(len(rows)).split(64):
        optimizer.zero_grad()
        loss = criterion(model(rows[idx]), target[idx])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        out = model(x_test)
    predicted = (out > 0).float() if FIXED else (out.softmax(1) > 0.5).float()
    print(f"epoch {epoch} loss {loss.item():.3f} f1 {f1(predicted, t_test):.3f}")
finish("f1", f1(predicted, t_test))
