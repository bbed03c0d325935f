"""Load of a day from the day before, under autocast with a gradient scaler and clipping."""

import torch
import torch.nn as nn
from _common import FIXED, finish, load, r2, seed


class Mixer(nn.Module):
    def __init__(self, t_in=72, t_out=24, d=64):
        super().__init__()
        self.inp = nn.Linear(t_in, d)
        self.mlp = nn.Sequential(nn.LayerNorm(d), nn.Linear(d, 2 * d), nn.GELU(), nn.Linear(2 * d, d))
        self.out = nn.Linear(d, t_out)

    def forward(self, x):
        h = self.inp(x)
        return self.out(h + self.mlp(h))


seed()
series = torch.tensor(load()[:6000])
series = (series - series[:4500].mean()) / series[:4500].std()
windows = series.unfold(0, 96, 1)
x, y = windows[:, :72], windows[:, 72:]
n_train = 4400
model = Mixer()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
scaler = torch.amp.GradScaler("cpu", init_scale=2.0**14)
for epoch in range(6):
    for idx in torch.randperm(n_train).split(64):
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            prediction = model(x[idx])
        loss = nn.functional.mse_loss(prediction.float(), y[idx])
        scaler.scale(loss).backward()
        if FIXED:
            scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
    print(f"epoch {epoch} mse {loss.item():.4f}")
with torch.no_grad():
    finish("r2", r2(model(x[4600:]), y[4600:]))
