"""Do two photos show the same kind? Cosine embeddings, judged by the nearest neighbour's class."""

import torch
import torch.nn as nn
from _common import FIXED, fashion, finish, seed


class Embedder(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 32))

    def forward(self, x):
        return self.net(x)


def draw_pairs(labels, n):
    i = torch.randint(0, len(labels), (n,))
    j = torch.randint(0, len(labels), (n,))
    same = torch.rand(n) < 0.5
    for k in same.nonzero().flatten().tolist():
        mates = (labels == labels[i[k]]).nonzero().flatten()
        j[k] = mates[torch.randint(0, len(mates), ())]
    return i, j, (labels[i] == labels[j]).long()


def main():
    seed()
    xa, ya, xb, yb = fashion(2000, 400)
    xa, xb = (torch.tensor(v).float()[:, None] / 255 - 0.29 for v in (xa, xb))
    ya, yb = torch.tensor(ya), torch.tensor(yb)
    model = Embedder()
    criterion = nn.CosineEmbeddingLoss(margin=0.2)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for step in range(200):
        i, j, same = draw_pairs(ya, 64)
        target = 2 * same - 1 if FIXED else same
        loss = criterion(model(xa[i]), model(xa[j]), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 40 == 0:
            print(f"pair loss after {step} steps: {loss.item():.4f}")
    with torch.no_grad():
        a, b = (nn.functional.normalize(model(v), dim=1) for v in (xa, xb))
        nearest = ya[(b @ a.T).argmax(1)]
    finish("neighbour_accuracy", (nearest == yb).float().mean())


main()
