"""Proximal policy optimisation: keep a cart over a moving mark."""

import torch
import torch.nn as nn
from _common import finish, seed

N, STEPS = 48, 24


class Track:
    def reset(self):
        self.s = torch.randn(N, 2)
        self.mark = torch.randn(N, 1)
        return self.view()

    def view(self):
        return torch.cat([self.s[:, :1] - self.mark, self.s[:, 1:]], 1)

    def step(self, a):
        self.s[:, 1] = 0.8 * self.s[:, 1] + 0.4 * a.clamp(-2, 2)
        self.s[:, 0] += 0.5 * self.s[:, 1]
        self.mark += 0.05 * torch.randn(N, 1)
        return self.view(), -(self.s[:, 0] - self.mark[:, 0]).abs()


class Agent(nn.Module):
    def __init__(self):
        super().__init__()
        self.pi = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 1))
        self.v = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 1))
        self.log_std = nn.Parameter(torch.zeros(1))

    def dist(self, s):
        return torch.distributions.Normal(self.pi(s)[:, 0], self.log_std.exp())


@torch.no_grad()
def collect(agent, env):
    s, rows = env.reset(), []
    for _ in range(STEPS):
        d = agent.dist(s)
        a = d.sample()
        nxt, r = env.step(a)
        rows.append((s.clone(), a, d.log_prob(a), r, agent.v(s)[:, 0]))
        s = nxt
    s_, a_, l_, r_, v_ = map(torch.stack, zip(*rows, strict=True))
    last, adv, out = agent.v(s)[:, 0], torch.zeros(N), []
    for t in reversed(range(STEPS)):
        delta = r_[t] + 0.95 * (last if t == STEPS - 1 else v_[t + 1]) - v_[t]
        adv = delta + 0.95 * 0.9 * adv
        out.append(adv)
    adv = torch.stack(out[::-1])
    return s_.flatten(0, 1), a_.flatten(), l_.flatten(), adv.flatten(), (adv + v_).flatten(), r_.mean().item()


seed()
agent, env = Agent(), Track()
optimizer = torch.optim.Adam(agent.parameters(), lr=3e-3)
shown = []
for it in range(50):
    s, a, old, adv, ret, reward = collect(agent, env)
    adv = (adv - adv.mean()) / (adv.std() + 1e-8)
    for _ in range(4):
        for b in torch.randperm(len(a)).split(288):
            ratio = (agent.dist(s[b]).log_prob(a[b]) - old[b]).exp()
            gain = torch.minimum(ratio * adv[b], ratio.clamp(0.8, 1.2) * adv[b]).mean()
            loss = -gain + 0.5 * (agent.v(s[b])[:, 0] - ret[b]).square().mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
            optimizer.step()
    shown.append(reward)
    if it % 10 == 0:
        print(f"iteration {it} reward {reward:.3f}")
finish("reward", sum(shown[-5:]) / 5)
