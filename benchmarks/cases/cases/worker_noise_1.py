"""numpy noise in the workers of a loader that sets the same seed in each of them."""
from _common import *
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, get_worker_info


class Simulated(IterableDataset):
    """Draws curves on the fly; each worker should draw its own."""

    def __init__(self, seed):
        self.seed = seed

    def __iter__(self):
        worker = get_worker_info()
        number = worker.id if worker is not None and FIXED else 0
        g = np.random.default_rng(self.seed + 1000 * number)
        for _ in range(400):
            kind = int(g.integers(0, 3))
            s = np.sin(np.linspace(0, 3 + 3 * kind, 24)) + 0.4 * g.normal(size=24)
            yield s.astype(np.float32), kind


if __name__ == "__main__":
    seed()
    net = nn.Sequential(nn.Linear(24, 32), nn.ReLU(), nn.Linear(32, 3))
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(4):
        for xb, yb in DataLoader(Simulated(epoch), batch_size=20, num_workers=2):
            opt.zero_grad()
            loss = nn.functional.cross_entropy(net(xb), yb)
            loss.backward()
            opt.step()
        print(epoch, loss.item())
