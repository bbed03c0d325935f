"""Two processes, each with its half of the alphabet; gradients are averaged."""

import os
import tempfile

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn as nn
from _common import FIXED, finish, letters, seed


def average_gradients(model):
    for p in model.parameters():
        if p.grad is not None:
            dist.all_reduce(p.grad)
            p.grad /= dist.get_world_size()


def work(rank, path):
    dist.init_process_group("gloo", init_method=f"file://{path}", rank=rank, world_size=2)
    seed()
    x, y = letters(5000)
    x, y = torch.tensor((x - x.mean(0)) / x.std(0)), torch.tensor(y)
    xt, yt = x[4000:], y[4000:]
    mine = y[:4000] % 2 == rank
    x, y = x[:4000][mine][:1800], y[:4000][mine][:1800]
    model = nn.Sequential(nn.Linear(16, 96), nn.ReLU(), nn.Linear(96, 26))
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    torch.manual_seed(rank)
    for epoch in range(8):
        for b in torch.randperm(len(x)).split(50):
            loss = nn.functional.cross_entropy(model(x[b]), y[b])
            optimizer.zero_grad()
            if FIXED:
                loss.backward()
                average_gradients(model)
            else:
                average_gradients(model)
                loss.backward()
            optimizer.step()
        if rank == 0:
            print(f"epoch {epoch} loss {loss.item():.4f}", flush=True)
    if rank == 0:
        with torch.no_grad():
            finish("accuracy", (model(xt).argmax(1) == yt).float().mean())
    dist.destroy_process_group()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        mp.start_processes(work, args=(os.path.join(folder, "store"),), nprocs=2, start_method="fork")
