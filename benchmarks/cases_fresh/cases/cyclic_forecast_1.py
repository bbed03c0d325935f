"""Half a day of electricity load at once with a temporal convolution and a cyclical learning rate."""

import torch
from _common import FIXED, finish, load, r2, seed
from torch import nn
from torch.optim.lr_scheduler import CyclicLR

seed()
values = torch.tensor(load()[:4000])
values = (values - values[:3000].mean()) / values[:3000].std()
frame = values.unfold(0, 60, 1)
x, y = frame[:, None, :48], frame[:, 48:]
train = torch.arange(2900)


class TCN(nn.Module):
    def __init__(self, c=24):
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv1d(1 if k == 0 else c, c, 3, dilation=2**k) for k in range(4))
        self.out = nn.Linear(c, 12)

    def forward(self, x):
        for k, conv in enumerate(self.convs):
            x = torch.relu(conv(nn.functional.pad(x, (2 * 2**k, 0))))
        return self.out(x[:, :, -1])


net = TCN()
opt = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
cycle = CyclicLR(opt, base_lr=0.005, max_lr=0.05 if FIXED else 1.2, step_size_up=30, cycle_momentum=False)
for epoch in range(12):
    net.train()
    for b in train[torch.randperm(2900)].split(50):
        opt.zero_grad()
        loss = nn.functional.mse_loss(net(x[b]), y[b])
        loss.backward()
        opt.step()
        cycle.step()
    net.eval()
    with torch.no_grad():
        score = r2(net(x[3000:]), y[3000:]).item()
    print(f"epoch {epoch} lr {cycle.get_last_lr()[0]:.3f} loss {loss.item():.4f} r2 {score:.4f}")
finish("r2", score)
