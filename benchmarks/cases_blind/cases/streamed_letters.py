"""Letters as a stream, read by several workers; one pass."""

import torch
import torch.nn as nn
from _common import FIXED, finish, letters, seed
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

STEPS, BATCH = 150, 32


class LetterStream(IterableDataset):
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __iter__(self):
        start, step = 0, 1
        info = get_worker_info()
        if FIXED and info is not None:
            start, step = info.id, info.num_workers
        for i in range(start, len(self.x), step):
            yield self.x[i], self.y[i]


def main():
    seed()
    x, y = letters(8000)
    x = torch.tensor((x - x.mean(0)) / x.std(0))
    y = torch.tensor(y)
    loader = DataLoader(LetterStream(x[:6000], y[:6000]), batch_size=BATCH, num_workers=4)
    net = nn.Sequential(nn.Linear(16, 128), nn.ReLU(), nn.Linear(128, 26))
    opt = torch.optim.Adam(net.parameters(), lr=8e-3)
    for step, (bx, by) in enumerate(loader):
        if step == STEPS:
            break
        loss = nn.functional.cross_entropy(net(bx), by)
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step % 25 == 0:
            print(f"step {step:4d} loss {loss.item():.3f}")
    with torch.no_grad():
        finish("accuracy", (net(x[6000:]).argmax(1) == y[6000:]).float().mean())


if __name__ == "__main__":
    main()
