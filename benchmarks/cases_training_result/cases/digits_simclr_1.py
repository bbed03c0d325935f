"""Self-supervised digits: InfoNCE between two random views, scored by a nearest-neighbour probe."""
import torch
from torch import nn
from torch.nn import functional as F

from _common import seed_all, table


def views(x):
    """Random shift by up to a pixel, random gain, noise."""
    n = len(x)
    theta = torch.zeros(n, 2, 3)
    angle = (torch.rand(n) - 0.5) * 0.6
    scale = 0.85 + 0.3 * torch.rand(n)
    theta[:, 0, 0], theta[:, 0, 1] = angle.cos() * scale, -angle.sin()
    theta[:, 1, 0], theta[:, 1, 1] = angle.sin(), angle.cos() * scale
    theta[:, :, 2] = (torch.rand(n, 2) - 0.5) * 0.4
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    y = F.grid_sample(x, grid, padding_mode="border", align_corners=False)
    return y * (0.8 + 0.4 * torch.rand(n, 1, 1, 1)) + 0.1 * torch.randn_like(x)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Conv2d(1, 24, 3, padding=1), nn.ReLU(), nn.Conv2d(24, 48, 3, 2, 1), nn.ReLU(),
                                   nn.Flatten(), nn.Linear(48 * 16, 64), nn.ReLU())
        self.projector = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32))

    def forward(self, x):
        h = self.trunk(x)
        return h, F.normalize(self.projector(h), dim=1)


def info_nce(a, b, tau=0.2):
    logits = a @ b.t() / tau
    target = torch.arange(len(a))
    return 0.5 * (F.cross_entropy(logits, target) + F.cross_entropy(logits.t(), target))


@torch.no_grad()
def probe(net, xt, yt, xv, yv):
    net.eval()
    a, b = F.normalize(net(xt)[0], dim=1), F.normalize(net(xv)[0], dim=1)
    votes = yt[(b @ a.t()).topk(5).indices]
    return (votes.mode(1).values == yv).float().mean().item()


def main():
    seed_all()
    d = table("digits")
    x = (torch.from_numpy(d["x"]).float().reshape(-1, 1, 8, 8) - 4.9) / 6.0
    y = torch.from_numpy(d["y"]).long()
    xt, yt, xv, yv = x[:1300], y[:1300], x[1300:], y[1300:]
    net = Encoder()
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(15):
        net.train()
        losses = []
        for idx in torch.randperm(len(xt)).split(130):
            loss = info_nce(net(views(xt[idx]))[1], net(views(xt[idx]))[1])
            opt.zero_grad()
            loss.backward()
            opt.step()
            losses.append(loss.item())
        acc = probe(net, xt, yt, xv, yv)
        with torch.no_grad():
            val = info_nce(net(views(xv[:130]))[1], net(views(xv[:130]))[1]).item()
        print(f"epoch {epoch + 1:2d} nce {sum(losses) / len(losses):.4f} val nce {val:.4f} 5-nn accuracy {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
