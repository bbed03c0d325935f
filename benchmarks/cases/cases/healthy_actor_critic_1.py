"""Actor and critic with a shared body on a little corridor."""
from _common import *
from torch import nn

seed()


class AC(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2, 32), nn.Tanh())
        self.pi, self.v = nn.Linear(32, 2), nn.Linear(32, 1)

    def forward(self, s):
        h = self.body(s)
        return self.pi(h), self.v(h).squeeze(-1)


net = AC()
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for episode in range(150):
    pos, goal = 0.0, random.choice([-1.0, 1.0])
    logps, values, rewards = [], [], []
    for _ in range(12):
        logits, v = net(torch.tensor([pos, goal]))
        d = torch.distributions.Categorical(logits=logits)
        a = d.sample()
        pos += 0.2 if a.item() else -0.2
        logps.append(d.log_prob(a)); values.append(v); rewards.append(-abs(goal - pos))
    ret, R = [], 0.0
    for r in reversed(rewards):
        R = r + 0.9 * R
        ret.insert(0, R)
    ret, values = torch.tensor(ret), torch.stack(values)
    adv = ret - values.detach()
    loss = -(torch.stack(logps) * adv).mean() + 0.5 * (ret - values).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    if episode % 50 == 49:
        print(episode, sum(rewards))
