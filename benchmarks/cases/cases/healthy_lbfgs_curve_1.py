"""A curve fitted by L-BFGS on the full batch."""
from _common import *
from torch import nn

seed()
g = torch.Generator().manual_seed(2)
x = torch.linspace(-3, 3, 160)[:, None]
y = torch.sin(2 * x) * torch.exp(-x.abs() / 3) + 0.05 * torch.randn(160, 1, generator=g)
net = nn.Sequential(nn.Linear(1, 24), nn.Tanh(), nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, 1))
opt = torch.optim.LBFGS(net.parameters(), lr=0.5, max_iter=8, line_search_fn="strong_wolfe")


def closure():
    opt.zero_grad()
    loss = nn.functional.mse_loss(net(x), y)
    loss.backward()
    return loss


for step in range(40):
    loss = opt.step(closure)
    if step % 10 == 9:
        print(step, loss.item())
