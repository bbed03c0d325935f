"""Masked autoencoder over pieces of a load curve: hide half of the patches, draw them again."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, load_curve, seed_all

PATCH, TOKENS = 6, 12


def pieces(weeks):
    span = PATCH * TOKENS
    cut = [w[s:s + span] for w in weeks for s in range(0, len(w) - span + 1, 6)]
    return torch.from_numpy(np.stack(cut)).view(-1, TOKENS, PATCH)


class Layer(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.heads, self.qkv, self.proj = heads, nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.n1, self.n2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.mlp = nn.Sequential(nn.Linear(d, 2 * d), nn.GELU(), nn.Linear(2 * d, d))

    def forward(self, x):
        b, n, d = x.shape
        q, k, v = self.qkv(self.n1(x)).view(b, n, 3, self.heads, d // self.heads).unbind(2)
        a = torch.einsum("bqhd,bkhd->bhqk", q, k) / (d // self.heads) ** 0.5
        x = x + self.proj(torch.einsum("bhqk,bkhd->bqhd", a.softmax(-1), v).reshape(b, n, d))
        return x + self.mlp(self.n2(x))


class MaskedAutoencoder(nn.Module):
    def __init__(self, d=48, heads=4, depth=2):
        super().__init__()
        self.inp, self.out = nn.Linear(PATCH, d), nn.Linear(d, PATCH)
        self.place = nn.Parameter(0.2 * torch.randn(TOKENS, d))
        self.hole = nn.Parameter(0.02 * torch.randn(d))
        self.layers = nn.Sequential(*[Layer(d, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(d)

    def forward(self, x, hidden):
        t = torch.where(hidden[..., None], self.hole, self.inp(x)) + self.place
        return self.out(self.norm(self.layers(t)))


def hide(n, generator=None):
    order = torch.rand(n, TOKENS, generator=generator).argsort(1)
    return order < TOKENS // 2


def masked_mse(out, x, hidden):
    return (out - x)[hidden].pow(2).mean()


def main():
    seed_all()
    load = load_curve()[:52 * 168].reshape(52, 168)
    for_val = np.arange(52) % 4 == 3
    load = (load - load[~for_val].mean()) / load[~for_val].std()
    train, val = pieces(load[~for_val]), pieces(load[for_val])
    loader = DataLoader(TensorDataset(train), batch_size=32, shuffle=True)
    val_hidden = hide(len(val), torch.Generator().manual_seed(7))
    net = MaskedAutoencoder()
    opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.02)
    sched = torch.optim.lr_scheduler.ExponentialLR(opt, gamma=0.93)
    for epoch in range(35):
        net.train()
        losses = []
        for (x,) in loader:
            hidden = hide(len(x))
            loss = masked_mse(net(x, hidden), x, hidden)
            opt.zero_grad()
            loss.backward()
            opt.step()
            losses.append(loss.item())
            if not FIXED:
                sched.step()
        if FIXED:
            sched.step()
        net.eval()
        with torch.no_grad():
            mse = masked_mse(net(val, val_hidden), val, val_hidden).item()
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1:2d}: masked mse train {np.mean(losses):.4f} val {mse:.4f}")
    print(f"final masked_mse {mse:.4f}")


if __name__ == "__main__":
    main()
