"""REINFORCE on a small walk: the loss is no measure of progress there."""
from _common import *
from torch import nn

seed()
policy = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 2))
opt = torch.optim.Adam(policy.parameters(), lr=1e-2)
for episode in range(150):
    place, goal = 0.0, random.choice([-1.0, 1.0])
    logs, rewards = [], []
    for _ in range(10):
        dist = torch.distributions.Categorical(logits=policy(torch.tensor([[place, goal]]))[0])
        action = dist.sample()
        logs.append(dist.log_prob(action))
        place += 0.2 if action.item() else -0.2
        rewards.append(-abs(place - goal))
    returns = torch.tensor(rewards).flip(0).cumsum(0).flip(0)
    returns = (returns - returns.mean()) / (returns.std() + 1e-6)
    loss = -(torch.stack(logs) * returns).sum()
    opt.zero_grad()
    loss.backward()
    opt.step()
    if episode % 50 == 49:
        print(episode, sum(rewards))
