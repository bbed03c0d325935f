"""A policy that learns to put bottles on the right shelf from rewards alone."""
import numpy as np
import torch
from torch import nn
from torch.distributions import Categorical

from _common import FIXED, finish, seed, table


class Cellar:
    """One bottle at a time; the reward is 1 on the right shelf and a small loss on a wrong one."""

    def __init__(self, x, y):
        self.x, self.y = x, y

    def draw(self, n):
        pick = np.random.randint(0, len(self.x), n)
        return self.x[pick], self.y[pick]

    @staticmethod
    def reward(action, shelf):
        return 1.0 if action == shelf else -0.5


class Policy(nn.Module):
    def __init__(self, n_in, n_actions):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(n_in, 32), nn.Tanh(), nn.Linear(32, n_actions))

    def forward(self, state):
        return torch.log_softmax(self.net(state), dim=-1)


def episode_loss(policy, states, shelves):
    log_probs = policy(states)
    actions = Categorical(logits=log_probs).sample()
    rewards = [Cellar.reward(a, s) for a, s in zip(actions.tolist(), shelves.tolist())]
    loss = torch.zeros((), requires_grad=True)
    for i, (action, reward) in enumerate(zip(actions, rewards)):
        log_prob = log_probs[i, action]
        if not FIXED:
            log_prob = log_prob.item()
        loss = loss - log_prob * reward
    return loss / len(rewards), np.mean(rewards)


def greedy(policy, x, y):
    with torch.no_grad():
        return (policy(x).argmax(1) == y).float().mean().item()


def main():
    seed()
    x, y = table("wine")
    order = np.random.permutation(len(x))
    x = torch.tensor(x[order], dtype=torch.float32)
    y = torch.tensor(y[order], dtype=torch.long)
    x = (x - x[:120].mean(0)) / x[:120].std(0)
    cellar = Cellar(x[:120], y[:120])
    policy = Policy(13, 3)
    optimizer = torch.optim.Adam(policy.parameters(), lr=3e-3)
    for episode in range(2000):
        states, shelves = cellar.draw(16)
        optimizer.zero_grad()
        loss, reward = episode_loss(policy, states, shelves)
        loss.backward()
        optimizer.step()
        if episode % 200 == 199:
            print(f"episode {episode + 1} loss {loss.item():.4f} reward {reward:.3f} held out {greedy(policy, x[120:], y[120:]):.4f}")
    finish("accuracy", greedy(policy, x[120:], y[120:]))


if __name__ == "__main__":
    main()
