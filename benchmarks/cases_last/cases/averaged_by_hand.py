"""Data parallel by hand: every process has its own share of the rows, gradients are averaged before each step."""

import os
import tempfile

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn as nn
from _common import FIXED, finish, letters, seed


def average_gradients(model, world):
    for p in model.parameters():
        dist.all_reduce(p.grad, op=dist.ReduceOp.SUM)
        p.grad /= world


def run(rank, world, file):
    number = seed()
    torch.manual_seed(number * world + rank)
    dist.init_process_group("gloo", init_method=f"file://{file}", rank=rank, world_size=world)
    x, y = letters(3000)
    x, y = torch.tensor((x - x.mean(0)) / x.std(0)), torch.tensor(y)
    share = torch.arange(2000).chunk(world)[rank]
    model = nn.Sequential(nn.Linear(16, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, 26))
    if FIXED:
        for p in model.parameters():
            dist.broadcast(p.data, src=0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    for epoch in range(7):
        for idx in share[torch.randperm(len(share))].split(25):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x[idx]), y[idx])
            loss.backward()
            average_gradients(model, world)
            optimizer.step()
        if rank == 0 and epoch % 3 == 2:
            print(f"epoch {epoch + 1} loss {loss.item():.4f}", flush=True)
    with torch.no_grad():
        accuracy = (model(x[2000:]).argmax(1) == y[2000:]).float().mean()
    if rank == 0:
        finish("accuracy", accuracy)
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    with tempfile.TemporaryDirectory() as folder:
        mp.spawn(run, args=(2, os.path.join(folder, "meet")), nprocs=2)
