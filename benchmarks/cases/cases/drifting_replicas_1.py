"""Two copies are trained on halves of each batch, and their gradients are never averaged."""
import copy
import torch.distributed as dist
import torch.multiprocessing as mp
from _common import *
from torch import nn


def work(rank, folder):
    os.environ["SEED"] = os.environ.get("SEED", "0")
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    seed()
    x, y, xt, yt = letters_split(1500)
    net = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 26))
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    for e in range(5):
        for i in torch.randperm(len(x)).split(64):
            i = i[rank::2]
            opt.zero_grad()
            loss = nn.functional.cross_entropy(net(x[i]), y[i])
            loss.backward()
            if FIXED:
                for p in net.parameters():
                    dist.all_reduce(p.grad)
                    p.grad /= 2
            opt.step()
        if rank == 0:
            print(e, loss.item(), accuracy(net, xt, yt))
    dist.barrier()


if __name__ == "__main__":
    import tempfile
    folder = tempfile.mkdtemp()
    other = mp.get_context("spawn").Process(target=work, args=(1, folder))
    other.start()
    work(0, folder)
    other.join()
