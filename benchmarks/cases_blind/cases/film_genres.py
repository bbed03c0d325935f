"""Genres of films from key words; a film has from one to four."""

import torch
import torch.nn as nn
from _common import FIXED, finish, seed

GENRES, WORDS = 8, 300


def films(n, favourite):
    genres = torch.rand(n, GENRES) < 0.28
    genres[~genres.any(1), 0] = True
    ids = torch.randint(0, WORDS, (n, 24))
    for k in range(24):
        pick = torch.multinomial(genres.float(), 1).squeeze(1)
        about = torch.rand(n) < 0.5
        ids[about, k] = favourite[pick[about], torch.randint(0, 12, (int(about.sum()),))]
    return ids, genres.float()


class Tagger(nn.Module):
    def __init__(self, dim=48):
        super().__init__()
        self.words = nn.Embedding(WORDS, dim)
        self.mixer = nn.Sequential(nn.Linear(dim, 64), nn.GELU(), nn.Linear(64, GENRES))

    def forward(self, ids):
        return self.mixer(self.words(ids).mean(1))


seed()
favourite = torch.randint(0, WORDS, (GENRES, 12))
x, y = films(3000, favourite)
xt, yt = films(600, favourite)
model = Tagger()
criterion = nn.BCEWithLogitsLoss() if FIXED else nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(12):
    for b in torch.randperm(3000).split(60):
        optimizer.zero_grad()
        loss = criterion(model(x[b]), y[b])
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch} | loss {loss.item():.4f}")
with torch.no_grad():
    guess = (torch.sigmoid(model(xt)) > 0.5).float()
hit = (guess * yt).sum()
finish("f1", 2 * hit / (guess.sum() + yt.sum()))
