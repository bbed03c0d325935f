"""Double deep Q-learning with a replay buffer on a grid with a pit."""

import random
from collections import deque

import torch
from _common import finish, seed
from torch import nn

SIZE, GOAL, PIT = 4, (3, 3), (1, 2)
MOVES = [(0, 1), (1, 0), (0, -1), (-1, 0)]
seed()


def encode(cells):
    out = torch.zeros(len(cells), SIZE * SIZE)
    for row, (r, c) in enumerate(cells):
        out[row, r * SIZE + c] = 1.0
    return out


def act(cell, action):
    r, c = cell[0] + MOVES[action][0], cell[1] + MOVES[action][1]
    after = (min(max(r, 0), SIZE - 1), min(max(c, 0), SIZE - 1))
    if after == GOAL:
        return after, 1.0, True
    if after == PIT:
        return after, -1.0, True
    return after, -0.02, False


class Agent:
    def __init__(self):
        make = lambda: nn.Sequential(nn.Linear(SIZE * SIZE, 64), nn.ReLU(), nn.Linear(64, 4))  # noqa: E731
        self.online, self.target = make(), make()
        self.target.load_state_dict(self.online.state_dict())
        self.opt = torch.optim.Adam(self.online.parameters(), lr=2e-3)
        self.memory = deque(maxlen=3000)

    def choose(self, cell, epsilon):
        if random.random() < epsilon:
            return random.randrange(4)
        with torch.no_grad():
            return int(self.online(encode([cell])).argmax())

    def learn(self):
        cells, actions, rewards, after, done = zip(*random.sample(self.memory, 48), strict=True)
        q = self.online(encode(cells))[torch.arange(48), torch.tensor(actions)]
        with torch.no_grad():
            best = self.online(encode(after)).argmax(1)
            nxt = self.target(encode(after))[torch.arange(48), best]
            goal = torch.tensor(rewards) + 0.95 * nxt * (1 - torch.tensor(done).float())
        loss = nn.functional.smooth_l1_loss(q, goal)
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        with torch.no_grad():
            for t, o in zip(self.target.parameters(), self.online.parameters(), strict=True):
                t.lerp_(o, 0.02)
        return loss.item()


def episode(agent, epsilon, learn):
    cell, total = (0, 0), 0.0
    for _ in range(25):
        action = agent.choose(cell, epsilon)
        after, reward, done = act(cell, action)
        total += reward
        if learn:
            agent.memory.append((cell, action, reward, after, done))
            if len(agent.memory) > 200:
                agent.loss = agent.learn()
        cell = after
        if done:
            break
    return total


agent = Agent()
for n in range(200):
    episode(agent, max(0.05, 1 - n / 120), True)
    if n % 40 == 39:
        print(f"episode {n + 1} loss {agent.loss:.4f} greedy return {episode(agent, 0.0, False):.2f}")
finish("return", episode(agent, 0.0, False))
