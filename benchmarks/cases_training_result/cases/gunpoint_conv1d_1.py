"""Gun or point? Motion traces classified by a deep stack of 1-D convolutions."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, SAMPLES, seed_all

DEPTH, CHANNELS = 9, 16


def read_ts(name):
    lines = (SAMPLES / f"GunPoint_{name}.ts").read_text().splitlines()
    start = next(i for i, line in enumerate(lines) if line.lower().startswith("@data")) + 1
    rows = [line.rsplit(":", 1) for line in lines[start:] if line.strip()]
    x = torch.tensor([[float(v) for v in a.split(",")] for a, _ in rows])
    return x, torch.tensor([int(float(b)) - 1 for _, b in rows])


class Layer(nn.Module):
    def __init__(self, c_in, c_out, stride):
        super().__init__()
        self.conv = nn.Conv1d(c_in, c_out, 5, stride, 2)
        self.norm = nn.BatchNorm1d(c_out) if FIXED else nn.Identity()
        self.act = nn.ReLU() if FIXED else nn.Sigmoid()

    def forward(self, x):
        return self.act(self.norm(self.conv(x)))


class Deep(nn.Module):
    def __init__(self):
        super().__init__()
        widths = [1] + [CHANNELS] * DEPTH
        self.layers = nn.Sequential(*[Layer(a, b, 2 if i in (1, 4, 7) else 1)
                                      for i, (a, b) in enumerate(zip(widths, widths[1:]))])
        self.head = nn.Linear(CHANNELS, 2)

    def forward(self, x):
        return self.head(self.layers(x).mean(2))


def main():
    seed_all()
    parts = [read_ts("TRAIN"), read_ts("TEST")]
    x, y = torch.cat([p[0] for p in parts]).unsqueeze(1), torch.cat([p[1] for p in parts])
    perm = torch.randperm(len(x), generator=torch.Generator().manual_seed(5))
    tr, va = perm[:130], perm[130:]
    x = (x - x[tr].mean()) / x[tr].std()
    loader = DataLoader(TensorDataset(x[tr], y[tr]), batch_size=16, shuffle=True)
    net = Deep()
    opt = torch.optim.SGD(net.parameters(), lr=0.03, momentum=0.9)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 40)
    ce = nn.CrossEntropyLoss()
    for epoch in range(40):
        net.train()
        total = 0.0
        for xb, yb in loader:
            opt.zero_grad()
            loss = ce(net(xb), yb)
            loss.backward()
            opt.step()
            total += loss.item() / len(loader)
        sched.step()
        net.eval()
        with torch.no_grad():
            out = net(x[va])
        val, acc = ce(out, y[va]).item(), (out.argmax(1) == y[va]).float().mean().item()
        if epoch % 2:
            print(f"epoch {epoch + 1}: train {total:.4f} val {val:.4f} acc {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
