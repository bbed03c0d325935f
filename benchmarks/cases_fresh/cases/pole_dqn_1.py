"""Deep Q-learning with replay and a target network on a chain with a far reward."""

import random
from collections import deque

import torch
import torch.nn as nn
from _common import FIXED, finish, seed

STATES, HORIZON, GAMMA = 8, 24, 0.95
seed()


class QNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(STATES, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 2))

    def forward(self, s):
        return self.net(nn.functional.one_hot(s, STATES).float())


def move(state, action):
    """Action 1 goes right, 0 goes left and pays a little; the right end pays one and begins anew."""
    if action == 0:
        return max(state - 1, 0), 0.02 if state == 0 else 0.0, False
    if state == STATES - 1:
        return 0, 1.0, True
    return state + 1, 0.0, False


def play(net, steps=80):
    state, total = 0, 0.0
    with torch.no_grad():
        for _ in range(steps):
            state, reward, _ = move(state, net(torch.tensor([state])).argmax().item())
            total += reward
    return total


policy, target = QNet(), QNet()
target.load_state_dict(policy.state_dict())
optimizer = torch.optim.Adam(policy.parameters(), lr=1e-3)
memory = deque(maxlen=5000)
state = 0
for t in range(4000):
    epsilon = max(0.1, 1 - t / 2500)
    if random.random() < epsilon:
        action = random.randrange(2)
    else:
        with torch.no_grad():
            action = policy(torch.tensor([state])).argmax().item()
    after, reward, done = move(state, action)
    memory.append((state, action, reward, after, done))
    state = after
    if t >= 300 and t % 2 == 0:
        s, a, r, s2, d = zip(*random.sample(memory, 32), strict=True)
        q = policy(torch.tensor(s)).gather(1, torch.tensor(a).unsqueeze(1))
        with torch.no_grad():
            nxt = target(torch.tensor(s2)).max(1).values
        expected = torch.tensor(r) + GAMMA * nxt * (1 - torch.tensor(d).float())
        if FIXED:
            expected = expected.unsqueeze(1)
        loss = ((q - expected) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if t % 200 == 0:
        target.load_state_dict(policy.state_dict())
    if t % 500 == 499:
        print(t, loss.item(), play(policy))
finish("return", play(policy))
