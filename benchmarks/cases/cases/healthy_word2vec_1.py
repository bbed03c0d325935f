"""Skip-gram with negative sampling on the novel."""
from _common import *
from torch import nn
import torch.nn.functional as F

seed()
words = (SAMPLES / "emma.txt").read_text()[:150_000].lower().split()
count = {}
for w in words:
    count[w] = count.get(w, 0) + 1
top = {w: i for i, w in enumerate(sorted(count, key=count.get, reverse=True)[:1000])}
ids = torch.tensor([top[w] for w in words if w in top])


class SkipGram(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Embedding(1000, 24), nn.Embedding(1000, 24)
        nn.init.normal_(self.a.weight, std=0.2)
        nn.init.zeros_(self.b.weight)

    def forward(self, c, o):
        return (self.a(c)[:, None] * self.b(o)).sum(2)


net = SkipGram()
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for step in range(400):
    k = torch.randint(2, len(ids) - 2, (256,))
    pos = ids[k + torch.tensor([-2, -1, 1, 2])[torch.randint(0, 4, (256,))]]
    neg = ids[torch.randint(0, len(ids), (256, 5))]
    score = net(ids[k], torch.cat([pos[:, None], neg], 1))
    loss = -(F.logsigmoid(score[:, 0]) + F.logsigmoid(-score[:, 1:]).sum(1)).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 100 == 99:
        print(step, loss.item())
