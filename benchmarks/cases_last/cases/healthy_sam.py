"""Sharpness-aware minimisation: two passes for each step, the first one climbs."""

import torch
import torch.nn as nn
from _common import finish, letters, seed


class SAM(torch.optim.Optimizer):
    def __init__(self, params, rho=0.05, **kwargs):
        super().__init__(params, {"rho": rho, **kwargs})
        self.base = torch.optim.SGD(self.param_groups, **kwargs)

    @torch.no_grad()
    def step(self, closure):
        with torch.enable_grad():
            loss = closure()
        grads = [p.grad for g in self.param_groups for p in g["params"]]
        norm = torch.stack([g.norm() for g in grads]).norm() + 1e-12
        moved = []
        for group in self.param_groups:
            for p in group["params"]:
                e = p.grad * (group["rho"] / norm)
                p.add_(e)
                moved.append((p, e))
        with torch.enable_grad():
            closure()
        for p, e in moved:
            p.sub_(e)
        self.base.step()
        return loss


seed()
x, y = letters(5000)
x, y = torch.tensor((x - x.mean(0)) / x.std(0)), torch.tensor(y)
model = nn.Sequential(nn.Linear(16, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 26))
optimizer = SAM(model.parameters(), rho=0.05, lr=0.1, momentum=0.9)
for epoch in range(14):
    for idx in torch.randperm(4000).split(64):

        def closure(idx=idx):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x[idx]), y[idx])
            loss.backward()
            return loss

        loss = optimizer.step(closure)
    if epoch % 3 == 2:
        print(f"epoch {epoch + 1} loss {loss.item():.4f}")
with torch.no_grad():
    finish("accuracy", (model(x[4000:]).argmax(1) == y[4000:]).float().mean())
