"""Dropout stays on at the prediction on purpose: the mean of thirty draws is the answer, their spread the doubt."""

import torch
import torch.nn as nn
from _common import finish, r2, seed


class Bayesian(nn.Module):
    def __init__(self, p=0.1):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(5, 96), nn.ReLU(), nn.Dropout(p), nn.Linear(96, 96), nn.ReLU(), nn.Dropout(p), nn.Linear(96, 1)
        )

    def forward(self, x):
        return self.net(x).squeeze(1)

    @torch.no_grad()
    def predict(self, x, draws=30):
        self.eval()
        for m in self.modules():
            if isinstance(m, nn.Dropout):
                m.train()
        answers = torch.stack([self(x) for _ in range(draws)])
        return answers.mean(0), answers.std(0)


def friedman(n):
    x = torch.rand(n, 5)
    y = 10 * torch.sin(torch.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4]
    return (x - 0.5) * 12**0.5, (y - 14.4) / 4.9 + 0.1 * torch.randn(n)


seed()
x, y = friedman(2500)
x_test, y_test = friedman(600)
model = Bayesian()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(25):
    model.train()
    for idx in torch.randperm(2500).split(50):
        loss = nn.functional.mse_loss(model(x[idx]), y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 5 == 4:
        mean, doubt = model.predict(x_test)
        print(f"epoch {epoch + 1} loss {loss.item():.4f} r2 {r2(mean, y_test):.4f} doubt {doubt.mean():.3f}")
finish("r2", r2(model.predict(x_test)[0], y_test))
