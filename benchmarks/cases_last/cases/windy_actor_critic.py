"""Actor and critic in a windy grid: reach the goal in few steps."""

import torch
import torch.nn as nn
from _common import FIXED, finish, seed

SIZE, LIMIT = 6, 24
MOVES = torch.tensor([[0, 1], [0, -1], [1, 0], [-1, 0]])


def play(actor, games):
    """Play games side by side and return states, actions and returns of all steps, and the mean reward of a game."""
    at = torch.randint(SIZE, (games, 2))
    goal = torch.randint(SIZE, (games, 2))
    alive = torch.ones(games)
    states, actions, rewards, masks = [], [], [], []
    for _ in range(LIMIT):
        state = torch.cat([nn.functional.one_hot(at, SIZE).flatten(1), nn.functional.one_hot(goal, SIZE).flatten(1)], 1)
        with torch.no_grad():
            action = torch.distributions.Categorical(logits=actor(state.float())).sample()
        wind = torch.rand(games) < 0.1
        step = torch.where(wind[:, None], MOVES[torch.randint(4, (games,))], MOVES[action])
        at = (at + step).clamp(0, SIZE - 1)
        arrived = (at == goal).all(1).float()
        states.append(state.float())
        actions.append(action)
        rewards.append(alive * (arrived - 0.04))
        masks.append(alive)
        alive = alive * (1 - arrived)
    returns, total = [], torch.zeros(games)
    for reward in reversed(rewards):
        total = reward + 0.95 * total
        returns.append(total)
    keep = torch.stack(masks).flatten() > 0
    batch = (torch.cat(states)[keep], torch.cat(actions)[keep], torch.cat(returns[::-1])[keep])
    return *batch, torch.stack(rewards).sum(0).mean().item()


class Actor(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.out = nn.Linear(4 * SIZE, 64), nn.Linear(64, 4)

    def forward(self, state):
        scores = self.out(torch.tanh(self.hidden(state)))
        return scores if FIXED else scores.softmax(-1)


seed()
actor = Actor()
critic = nn.Sequential(nn.Linear(4 * SIZE, 64), nn.Tanh(), nn.Linear(64, 1))
optimizer = torch.optim.Adam([*actor.parameters(), *critic.parameters()], lr=1e-2)
for update in range(1, 151):
    states, actions, returns, reward = play(actor, 32)
    values = critic(states).squeeze(1)
    advantage = returns - values.detach()
    log_prob = torch.distributions.Categorical(logits=actor(states)).log_prob(actions)
    loss = -(log_prob * advantage).mean() + 0.5 * (returns - values).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if update % 25 == 0:
        print(f"update {update} reward {reward:.3f}")
finish("reward", sum(play(actor, 200)[-1] for _ in range(3)) / 3)
