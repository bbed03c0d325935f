"""Bagging of sixteen little networks on the wine table, all trained at once with torch.func."""
import copy

import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call, stack_module_state, vmap

from _common import seed_all, table

MEMBERS, EPOCHS, BATCH = 16, 60, 16


def build(n_in):
    net = nn.Sequential(nn.Linear(n_in, 12), nn.Tanh(), nn.Linear(12, 3))
    nn.init.orthogonal_(net[0].weight)
    nn.init.zeros_(net[0].bias)
    return net


def main():
    seed_all()
    d = table("wine")
    order = torch.randperm(len(d["y"]))
    x, y = torch.from_numpy(d["x"])[order], torch.from_numpy(d["y"])[order]
    x = (x - x[:125].mean(0)) / x[:125].std(0)
    xt, yt, xv, yv = x[:125], y[:125], x[125:], y[125:]
    members = [build(x.shape[1]) for _ in range(MEMBERS)]
    params, buffers = stack_module_state(members)
    shape = copy.deepcopy(members[0]).to("meta")

    def one(p, b, inputs):
        return functional_call(shape, (p, b), (inputs,))

    bags = torch.randint(0, len(xt), (MEMBERS, len(xt)))
    opt = torch.optim.AdamW(params.values(), lr=5e-3, weight_decay=0.05)
    for epoch in range(EPOCHS):
        mixed = torch.stack([bag[torch.randperm(len(xt))] for bag in bags])
        total = 0.0
        for idx in mixed.split(BATCH, dim=1):
            out = vmap(one, in_dims=(0, 0, 0))(params, buffers, xt[idx])
            loss = F.cross_entropy(out.flatten(0, 1), yt[idx].flatten())
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * idx.shape[1]
        with torch.no_grad():
            p = vmap(one, in_dims=(0, 0, None))(params, buffers, xv).softmax(-1).mean(0)
        nll, acc = F.nll_loss(p.log(), yv).item(), (p.argmax(1) == yv).float().mean().item()
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1}: train {total / len(xt):.4f} held-out nll {nll:.4f} accuracy {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
