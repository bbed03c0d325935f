"""Domain adaptation: the gradient of the domain's head is turned round on its way into the features."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import fashion, finish, seed


class Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, strength):
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad):
        return -ctx.strength * grad, None


class Dann(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 5, stride=2, padding=2), nn.ReLU(), nn.Conv2d(16, 32, 5, stride=2, padding=2), nn.ReLU(),
            nn.Flatten(), nn.Linear(32 * 49, 64), nn.ReLU(),
        )  # fmt: skip
        self.label = nn.Linear(64, 10)
        self.domain = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, x, strength=0.0):
        h = self.features(x)
        return self.label(h), self.domain(Reverse.apply(h, strength)).squeeze(1)


seed()
xa, ya, xb, yb = (torch.tensor(a) for a in fashion(3000, 500))
xa, xb = ((x[:, None].float() / 255 - 0.286) / 0.353 for x in (xa, xb))
other = F.avg_pool2d(F.pad(xa[1500:], (1, 1, 1, 1), mode="replicate"), 3, 1) * 0.7 - 0.2
source, labels = xa[:1500], ya[:1500]
test = F.avg_pool2d(F.pad(xb, (1, 1, 1, 1), mode="replicate"), 3, 1) * 0.7 - 0.2
model = Dann()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(6):
    for a, b in zip(torch.randperm(1500).split(30), torch.randperm(1500).split(30), strict=True):
        strength = 0.1 * epoch / 6
        out, inside = model(source[a], strength)
        _, outside = model(other[b], strength)
        domain = torch.cat([inside, outside])
        truth = torch.cat([torch.ones(len(a)), torch.zeros(len(b))])
        loss = F.cross_entropy(out, labels[a]) + F.binary_cross_entropy_with_logits(domain, truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        accuracy = (model(test)[0].argmax(1) == yb).float().mean()
    print(f"epoch {epoch + 1} loss {loss.item():.4f} accuracy in the other domain {accuracy:.4f}")
finish("accuracy", accuracy)
