"""Heat equation u_t = u_xx on a rod, a physics-informed network trained on all points at once by L-BFGS."""
import math

import torch
from torch import nn

from _common import seed_all

T_END = 0.2


class Solution(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1))
        for m in self.net:
            if isinstance(m, nn.Linear):
                nn.init.xavier_normal_(m.weight)
                nn.init.zeros_(m.bias)

    def forward(self, x, t):
        return self.net(torch.cat([2 * x - 1, 2 * t / T_END - 1], 1))


def exact(x, t):
    return torch.sin(math.pi * x) * torch.exp(-math.pi ** 2 * t)


def residual(net, x, t):
    u = net(x, t)
    ux, ut = torch.autograd.grad(u.sum(), (x, t), create_graph=True)
    uxx = torch.autograd.grad(ux.sum(), x, create_graph=True)[0]
    return ut - uxx


def main():
    seed_all()
    net = Solution()
    xc = torch.rand(400, 1, requires_grad=True)
    tc = (torch.rand(400, 1) * T_END).requires_grad_()
    x0 = torch.rand(80, 1)
    tb = torch.rand(80, 1) * T_END
    xb = (torch.rand(80, 1) < 0.5).float()
    gx, gt = (g.reshape(-1, 1) for g in torch.meshgrid(torch.linspace(0, 1, 41), torch.linspace(0, T_END, 21), indexing="ij"))
    truth = exact(gx, gt)
    opt = torch.optim.LBFGS(net.parameters(), lr=1.0, max_iter=20, history_size=30, line_search_fn="strong_wolfe")

    def closure():
        opt.zero_grad()
        physics = residual(net, xc, tc).square().mean()
        start = (net(x0, torch.zeros_like(x0)) - exact(x0, torch.zeros_like(x0))).square().mean()
        ends = net(xb, tb).square().mean()
        loss = physics + 10 * start + 10 * ends
        loss.backward()
        return loss

    for sweep in range(40):
        loss = opt.step(closure)
        with torch.no_grad():
            err = ((net(gx, gt) - truth).norm() / truth.norm()).item()
        if sweep % 4 == 3:
            print(f"sweep {sweep + 1}: loss {loss.item():.3e} relative error against the exact solution {err:.4f}")
    print(f"final relative_error {err:.5f}")


if __name__ == "__main__":
    main()
