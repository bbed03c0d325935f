"""Policy gradient in a corridor with a cliff: the bonus for entropy keeps it curious."""

import torch
import torch.nn as nn
from _common import FIXED, finish, seed

LENGTH, STEPS, N = 4, 20, 64
BETA = 0.01 if FIXED else 3.0


class Corridor:
    """Go right to the end: +1. Action 2 jumps off: -1 and over. Each step costs 0.01."""

    def reset(self):
        self.at = torch.zeros(N, dtype=torch.long)
        self.over = torch.zeros(N, dtype=torch.bool)
        return self.at

    def step(self, action):
        alive = ~self.over
        move = torch.tensor([-1, 1, 0, 0])[action]
        self.at = torch.where(alive, (self.at + move).clamp(0, LENGTH), self.at)
        goal, fall = alive & (self.at == LENGTH), alive & (action == 2)
        self.over = self.over | goal | fall
        return self.at, goal.float() - fall.float() - 0.01 * alive, alive.float()


policy = value = None


def rollout(env):
    state = env.reset()
    logs, entropies, rewards, alive, values = [], [], [], [], []
    for _ in range(STEPS):
        seen = nn.functional.one_hot(state, LENGTH + 1).float()
        dist = torch.distributions.Categorical(logits=policy(seen))
        action = dist.sample()
        values.append(value(seen)[:, 0])
        state, reward, live = env.step(action)
        logs.append(dist.log_prob(action))
        entropies.append(dist.entropy())
        rewards.append(reward)
        alive.append(live)
    return map(torch.stack, (logs, entropies, rewards, alive, values))


seed()
policy = nn.Sequential(nn.Linear(LENGTH + 1, 32), nn.Tanh(), nn.Linear(32, 4))
value = nn.Sequential(nn.Linear(LENGTH + 1, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.Adam([*policy.parameters(), *value.parameters()], lr=1e-2)
env = Corridor()
recent = []
for episode in range(150):
    logs, entropies, rewards, alive, values = rollout(env)
    returns = rewards.flip(0).cumsum(0).flip(0)
    advantage = (returns - values).detach()
    loss = (-(logs * advantage + BETA * entropies) * alive + 0.5 * (returns - values) ** 2 * alive).sum() / alive.sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    recent.append(rewards.sum(0).mean().item())
    if episode % 30 == 0:
        print(f"episode {episode} reward {recent[-1]:.3f}")
finish("reward", sum(recent[-10:]) / 10)
