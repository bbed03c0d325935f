"""No module, no optimiser: weights in a dictionary, gradients from torch.func, momentum by hand."""

import torch
from _common import finish, letters, seed
from torch.func import grad_and_value, vmap


def init(sizes):
    return {
        f"{kind}{i}": torch.randn(a, b) * (2 / a) ** 0.5 if kind == "w" else torch.zeros(b)
        for i, (a, b) in enumerate(zip(sizes, sizes[1:], strict=False))
        for kind in "wb"
    }


def forward(p, x):
    for i in range(len(p) // 2 - 1):
        x = torch.relu(x @ p[f"w{i}"] + p[f"b{i}"])
    i = len(p) // 2 - 1
    return x @ p[f"w{i}"] + p[f"b{i}"]


def sample_loss(p, x, hot):
    logits = forward(p, x)
    return torch.logsumexp(logits, 0) - torch.where(hot, logits, 0.0).sum()


def batch_loss(p, x, y):
    return vmap(sample_loss, (None, 0, 0))(p, x, torch.nn.functional.one_hot(y, 26).bool()).mean()


seed()
x, y = letters(5000)
x, y = torch.tensor((x - x.mean(0)) / x.std(0)), torch.tensor(y)
weights = init([16, 128, 128, 26])
speed = {k: torch.zeros_like(v) for k, v in weights.items()}
step = grad_and_value(batch_loss)
for epoch in range(15):
    rate = 0.1 * (1 - epoch / 15)
    for idx in torch.randperm(4000).split(64):
        slope, loss = step(weights, x[idx], y[idx])
        speed = {k: 0.9 * speed[k] + slope[k] for k in weights}
        weights = {k: w - rate * speed[k] for k, w in weights.items()}
    if epoch % 3 == 2:
        print(f"epoch {epoch + 1} loss {loss.item():.4f}")
finish("accuracy", (forward(weights, x[4000:]).argmax(1) == y[4000:]).float().mean())
