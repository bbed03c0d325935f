"""Electricity load one hour ahead, GRU, batches of 1024 windows and a rate to match."""
import csv
import math

import torch
from torch import nn

from _common import SAMPLES, seed_all

WINDOW, BATCH, EPOCHS = 24, 1024, 20


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(3, 32, batch_first=True)
        self.out = nn.Linear(32, 1)

    def forward(self, x):
        return self.out(self.gru(x)[0][:, -1])[:, 0]


def windows(table):
    w = table.unfold(0, WINDOW + 1, 1).transpose(1, 2)
    return w[:, :WINDOW].contiguous(), w[:, WINDOW, 0].contiguous()


def main():
    seed_all()
    with open(f"{SAMPLES}/electricity.csv") as f:
        load = torch.tensor([float(r["y"]) for r in csv.DictReader(f)])
    cut = 7000
    load = (load - load[:cut].mean()) / load[:cut].std()
    angle = torch.arange(len(load)) * (2 * math.pi / 24)
    table = torch.stack([load, angle.sin() * math.sqrt(2), angle.cos() * math.sqrt(2)], 1)
    x, y = windows(table[:cut])
    xt, yt = windows(table[cut:])
    model = Model()
    opt = torch.optim.Adam(model.parameters(), lr=1e-2)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, 1e-2, total_steps=EPOCHS * math.ceil(len(x) / BATCH))
    for epoch in range(EPOCHS):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(x)).split(BATCH):
            opt.zero_grad()
            loss = nn.functional.mse_loss(model(x[idx]), y[idx])
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            sched.step()
            total += loss.item() * len(idx)
        model.eval()
        with torch.no_grad():
            r2 = (1 - ((model(xt) - yt) ** 2).mean() / yt.var()).item()
        print(f"epoch {epoch + 1}: train mse {total / len(x):.4f} test r2 {r2:.4f}")
    print(f"final r2 {r2:.4f}")


if __name__ == "__main__":
    main()
