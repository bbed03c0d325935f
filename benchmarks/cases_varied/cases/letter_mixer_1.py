"""Letters as sixteen tokens through a small mixer; accumulated micro-batches, heavy momentum, cyclical rate, annealed gradient noise."""
import torch
import torch.nn.functional as F
from torch import nn

from _common import letters, seed_all

MICRO, ACCUMULATE, EPOCHS = 16, 4, 10


class MixerLayer(nn.Module):
    def __init__(self, tokens, width):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.over_tokens = nn.Sequential(nn.Linear(tokens, 32), nn.GELU(), nn.Linear(32, tokens))
        self.over_width = nn.Sequential(nn.Linear(width, 64), nn.GELU(), nn.Linear(64, width))

    def forward(self, x):
        x = x + self.over_tokens(self.n1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.over_width(self.n2(x))


class Mixer(nn.Module):
    def __init__(self, tokens=16, width=32, depth=2, classes=26):
        super().__init__()
        self.scale = nn.Parameter(torch.randn(tokens, width))
        self.shift = nn.Parameter(torch.randn(tokens, width))
        self.layers = nn.Sequential(*[MixerLayer(tokens, width) for _ in range(depth)])
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(tokens * width, classes)

    def forward(self, x):
        h = self.layers(x[..., None] * self.scale + self.shift)
        return self.head(self.norm(h).flatten(1))


def main():
    seed_all()
    x, y = letters()
    keep = torch.randperm(len(x))[:7600]
    x, y = torch.from_numpy(x)[keep], torch.from_numpy(y)[keep]
    x = (x - x[:6000].mean(0)) / x[:6000].std(0)
    net = Mixer()
    opt = torch.optim.SGD(net.parameters(), lr=0.005, momentum=0.95)
    sched = torch.optim.lr_scheduler.CyclicLR(opt, base_lr=0.005, max_lr=0.05, step_size_up=94, mode="triangular2", cycle_momentum=False)
    micro, update = 0, 0
    for epoch in range(EPOCHS):
        net.train()
        total = 0.0
        opt.zero_grad()
        for idx in torch.randperm(6000).split(MICRO):
            loss = F.cross_entropy(net(x[idx]), y[idx])
            (loss / ACCUMULATE).backward()
            total += loss.item()
            micro += 1
            if micro % ACCUMULATE == 0:
                for p in net.parameters():
                    p.grad.add_(torch.randn_like(p), alpha=0.01 / (1 + update) ** 0.55)
                nn.utils.clip_grad_norm_(net.parameters(), 1.0)
                opt.step()
                sched.step()
                opt.zero_grad()
                update += 1
        net.eval()
        with torch.no_grad():
            out = net(x[6000:])
        acc = (out.argmax(1) == y[6000:]).float().mean().item()
        print(f"epoch {epoch + 1}: train {total / 375:.4f} val {F.cross_entropy(out, y[6000:]).item():.4f} accuracy {acc:.4f} lr {sched.get_last_lr()[0]:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
