"""A plain ReLU recurrence over 150 steps, its weights above one, no clipping."""
from _common import *
from torch import nn


class IRNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.RNN(1, 32, nonlinearity="relu", batch_first=True)
        with torch.no_grad():
            self.rnn.weight_hh_l0.copy_(torch.eye(32) * (0.97 if FIXED else 1.15))
        self.out = nn.Linear(32, 2)

    def forward(self, x):
        h, _ = self.rnn(x)
        return self.out(h[:, -1])


seed()
x, y, xt, yt = gunpoint()
x, xt = x[..., None], xt[..., None]
net = IRNN()
opt = torch.optim.SGD(net.parameters(), lr=0.001 if FIXED else 0.01, momentum=0.9)
for epoch in range(60):
    for i in torch.randperm(len(x)).split(10):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(x[i]), y[i])
        loss.backward()
        if FIXED:
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
    if epoch % 20 == 19:
        print(epoch, loss.item(), accuracy(net, xt, yt))
