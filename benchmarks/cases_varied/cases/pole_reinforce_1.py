"""Balancing a pole: policy gradient with a learnt value as baseline, sixteen carts at a time."""
import math

import numpy as np
import torch
from torch import nn
from torch.distributions import Categorical

from _common import seed_all

CARTS, LIMIT, GAMMA = 16, 200, 0.99


class Carts:
    def __init__(self, n):
        self.s = np.random.uniform(-0.05, 0.05, (n, 4))

    def step(self, action):
        x, v, th, w = self.s.T
        force = np.where(action == 1, 10.0, -10.0)
        tmp = (force + 0.05 * w ** 2 * np.sin(th)) / 1.1
        acc = (9.8 * np.sin(th) - np.cos(th) * tmp) / (0.5 * (4 / 3 - 0.1 * np.cos(th) ** 2 / 1.1))
        ax = tmp - 0.05 * acc * np.cos(th) / 1.1
        self.s = np.stack([x + 0.02 * v, v + 0.02 * ax, th + 0.02 * w, w + 0.02 * acc], 1)
        return (np.abs(self.s[:, 0]) > 2.4) | (np.abs(self.s[:, 2]) > 12 * math.pi / 180)


class ActorCritic(nn.Module):
    def __init__(self, h=64):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, h), nn.Tanh())
        self.policy, self.value = nn.Linear(h, 2), nn.Linear(h, 1)
        nn.init.orthogonal_(self.policy.weight, gain=0.01)

    def forward(self, s):
        h = self.body(s / torch.tensor([1.2, 1.0, 0.1, 1.0]))
        return self.policy(h), self.value(h).squeeze(-1)


def play(net, greedy=False):
    carts, alive = Carts(CARTS), np.ones(CARTS, dtype=bool)
    states, actions, masks = [], [], []
    for _ in range(LIMIT):
        s = torch.from_numpy(np.where(alive[:, None], carts.s, 0)).float()
        with torch.no_grad():
            logits, _ = net(s)
        a = logits.argmax(-1) if greedy else Categorical(logits=logits).sample()
        states.append(s), actions.append(a), masks.append(torch.from_numpy(alive.copy()))
        alive = alive & ~carts.step(a.numpy())
        if not alive.any():
            break
    return torch.stack(states), torch.stack(actions), torch.stack(masks)


def to_go(mask):
    g, run = torch.zeros(mask.shape), torch.zeros(mask.shape[1])
    for t in reversed(range(len(mask))):
        run = mask[t].float() + GAMMA * run
        g[t] = run
    return g


def main():
    seed_all()
    net = ActorCritic()
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    sched = torch.optim.lr_scheduler.LinearLR(opt, 1.0, 0.1, total_iters=70)
    for update in range(70):
        net.train()
        s, a, alive = play(net)
        s, a, g = s[alive], a[alive], to_go(alive)[alive] / 50
        logits, v = net(s)
        pi = Categorical(logits=logits)
        adv = g - v.detach()
        adv = (adv - adv.mean()) / (adv.std() + 1e-6)
        loss = -(pi.log_prob(a) * adv).mean() + 0.5 * (v - g).square().mean() - 0.005 * pi.entropy().mean()
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 0.5)
        opt.step()
        sched.step()
        if update % 5 == 4:
            net.eval()
            kept = play(net, greedy=True)[2].sum(0).float().mean().item()
            print(f"update {update + 1}: loss {loss.item():.4f} steps kept upright: exploring {alive.sum().item() / CARTS:.1f} greedy {kept:.1f}")
    print(f"final steps_upright {kept:.2f}")


if __name__ == "__main__":
    main()
