"""Replicas of a model in two processes: told where they drift apart, silent where they are synchronised."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import json, sys, warnings
warnings.simplefilter("error")
import torch, torch.distributed as dist
from torch import nn
import convergent as cv

rank, port, synchronised, out = int(sys.argv[1]), sys.argv[2], sys.argv[3] == "yes", sys.argv[4]
torch.set_num_threads(1)
dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))
optimizer = torch.optim.SGD(net.parameters(), 0.1)
g = torch.Generator().manual_seed(rank)
with cv.Doctor(net, optimizer) as doctor:
    for _ in range(80):
        x = torch.randn(16, 4, generator=g)
        y = (x.sum(1) > 0).long()
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        if synchronised:
            for parameter in net.parameters():
                dist.all_reduce(parameter.grad)
                parameter.grad /= 2
        else:
            dist.barrier()
        optimizer.step()
        doctor.step(loss)
if rank == 0:
    open(out, "w").write(json.dumps([one.code for one in doctor.findings]))
dist.destroy_process_group()
"""


@pytest.mark.parametrize("synchronised", ["yes", "no"])
def test_replicas_that_drift_apart_are_told(tmp_path: Path, synchronised: str) -> None:
    port, out = str(20_000 + os.getpid() % 20_000 + (synchronised == "yes")), tmp_path / "codes.json"
    processes = [
        subprocess.Popen([sys.executable, "-c", PROGRAM, str(rank), port, synchronised, str(out)]) for rank in (0, 1)
    ]
    assert [process.wait(120) for process in processes] == [0, 0]
    assert ("training/replicas-differ" in json.loads(out.read_text())) == (synchronised == "no")
