"""Training for four-bit weights: they are rounded in the forward pass, the gradient passes straight through."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import finish, letters, seed


class Round(torch.autograd.Function):
    @staticmethod
    def forward(ctx, w, scale):
        return (w / scale).round().clamp(-7, 7) * scale

    @staticmethod
    def backward(ctx, grad):
        return grad, None


class QuantLinear(nn.Linear):
    def forward(self, x):
        scale = self.weight.detach().abs().amax(1, keepdim=True) / 7
        return F.linear(x, Round.apply(self.weight, scale), self.bias)


seed()
x, y = letters(5000)
x, y = torch.tensor((x - x.mean(0)) / x.std(0)), torch.tensor(y)
model = nn.Sequential(QuantLinear(16, 128), nn.ReLU(), QuantLinear(128, 128), nn.ReLU(), QuantLinear(128, 26))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 16 * 63)
for epoch in range(16):
    for idx in torch.randperm(4000).split(64):
        loss = F.cross_entropy(model(x[idx]), y[idx])
        loss.backward()
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
    if epoch % 4 == 3:
        print(f"epoch {epoch + 1} loss {loss.item():.4f}")
with torch.no_grad():
    finish("accuracy", (model(x[4000:]).argmax(1) == y[4000:]).float().mean())
