"""REINFORCE with a running baseline: balance a pole that the program simulates itself."""

import math
from collections import deque

import torch
import torch.nn as nn
from _common import finish, seed
from torch.distributions import Categorical

seed()


class Pole:
    """Cart and pole with the usual constants; 200 steps at most."""

    def reset(self):
        self.state = [(torch.rand(1).item() - 0.5) * 0.1 for _ in range(4)]
        self.t = 0
        return torch.tensor(self.state)

    def step(self, action):
        x, v, a, w = self.state
        force = 10.0 if action == 1 else -10.0
        temp = (force + 0.05 * w * w * math.sin(a)) / 1.1
        acc_a = (9.8 * math.sin(a) - math.cos(a) * temp) / (0.5 * (4 / 3 - 0.1 * math.cos(a) ** 2 / 1.1))
        acc_x = temp - 0.05 * acc_a * math.cos(a) / 1.1
        self.state = [x + 0.02 * v, v + 0.02 * acc_x, a + 0.02 * w, w + 0.02 * acc_a]
        self.t += 1
        done = abs(self.state[0]) > 2.4 or abs(self.state[2]) > 0.209 or self.t >= 200
        return torch.tensor(self.state), 1.0, done


policy = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 2))
optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
env, lengths = Pole(), deque(maxlen=20)
for episode in range(220):
    state, log_probs, rewards, done = env.reset(), [], [], False
    while not done:
        dist = Categorical(logits=policy(state))
        action = dist.sample()
        log_probs.append(dist.log_prob(action))
        state, reward, done = env.step(action.item())
        rewards.append(reward)
    lengths.append(len(rewards))
    returns, total = [], 0.0
    for r in reversed(rewards):
        total = r + 0.99 * total
        returns.insert(0, total)
    returns = torch.tensor(returns)
    returns = (returns - returns.mean()) / (returns.std() + 1e-6)
    loss = -(torch.stack(log_probs) * returns).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if episode % 20 == 19:
        print(f"episode {episode + 1}: loss {loss.item():.3f}, mean length {sum(lengths) / len(lengths):.1f}")
finish("length", sum(lengths) / len(lengths))
