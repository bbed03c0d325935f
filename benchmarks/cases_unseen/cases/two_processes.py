"""Two processes share the work with DistributedDataParallel over gloo."""

import os
import tempfile

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn as nn
from _common import FIXED, finish, letters, seed
from torch.nn.parallel import DistributedDataParallel


def features(model, x):
    return model(x) if FIXED else model.module(x)


def worker(rank, world, meeting_point):
    number = seed()
    dist.init_process_group("gloo", init_method=f"file://{meeting_point}", rank=rank, world_size=world)
    x, y = letters(1800)
    x, y = torch.tensor((x - x.mean(0)) / x.std(0)), torch.tensor(y)
    mine = torch.arange(800)[rank::world]
    x_test, y_test = x[800:], y[800:]
    torch.manual_seed(number)
    model = DistributedDataParallel(nn.Sequential(nn.Linear(16, 128), nn.ReLU(), nn.Linear(128, 26)))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    torch.manual_seed(number + rank)
    for epoch in range(40):
        for idx in mine[torch.randperm(len(mine))].split(40):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(features(model, x[idx]), y[idx])
            loss.backward()
            optimizer.step()
        if rank == 0 and epoch % 8 == 7:
            print(f"epoch {epoch + 1} loss {loss.item():.4f}", flush=True)
    with torch.no_grad():
        accuracy = (model.module(x_test).argmax(1) == y_test).float().mean()
    if rank == 0:
        finish("accuracy", accuracy)
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    with tempfile.TemporaryDirectory() as folder:
        mp.spawn(worker, args=(2, f"{folder}/meeting"), nprocs=2)
