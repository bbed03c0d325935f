"""Evolution strategies hand the optimiser a gradient that autograd never saw."""

import torch
import torch.nn as nn
from _common import finish, seed
from torch.func import functional_call, vmap

SIGMA, PAIRS = 0.05, 30


def main():
    seed()
    net = nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.03)
    names = [n for n, _ in net.named_parameters()]

    def step_score(weights, x):
        hit = (functional_call(net, weights, (x,))[:, 0] > 0) == (x[:, 0] * x[:, 1] + 0.5 * x[:, 2] > 0)
        return hit.float().mean()  # has no gradient

    for generation in range(250):
        x = torch.randn(400, 3)
        noise = {n: torch.randn(PAIRS, *p.shape) for n, p in net.named_parameters()}
        noise = {n: torch.cat([e, -e]) for n, e in noise.items()}
        with torch.no_grad():
            crowd = {n: p + SIGMA * noise[n] for n, p in net.named_parameters()}
            score = vmap(step_score, in_dims=(0, None))(crowd, x)
            worth = (score - score.mean()) / (score.std() + 1e-8)
            for name, p in zip(names, net.parameters(), strict=True):
                p.grad = -(worth.view(-1, *[1] * p.dim()) * noise[name]).mean(0) / SIGMA
        optimizer.step()
        if generation % 50 == 0:
            print(f"generation {generation} best {score.max().item():.3f}")
    with torch.no_grad():
        x = torch.randn(4000, 3)
        finish("accuracy", step_score(dict(net.named_parameters()), x))


main()
