"""A network of coordinates paints a microscope picture: (row, column) in, grey value out."""

import torch
from _common import FIXED, finish, nuclei, r2, seed
from torch import nn

seed()
image = torch.tensor(nuclei()[0][3][:96, :96]).float()
image = (image - image.mean()) / image.std()
rows, cols = torch.meshgrid(torch.arange(96.0), torch.arange(96.0), indexing="ij")
coords = torch.stack([rows, cols], -1).view(-1, 2)
if FIXED:
    coords = coords / 47.5 - 1
grey = image.view(-1, 1)
hold = torch.rand(len(grey), generator=torch.Generator().manual_seed(0)) < 0.1
xt, yt, xv, yv = coords[~hold], grey[~hold], coords[hold], grey[hold]

net = nn.Sequential(
    nn.Linear(2, 96), nn.Tanh(), nn.Linear(96, 96), nn.Tanh(), nn.Linear(96, 96), nn.Tanh(), nn.Linear(96, 1)
)
optim = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(20):
    for b in torch.randperm(len(xt)).split(128):
        optim.zero_grad()
        loss = (net(xt[b]) - yt[b]).square().mean()
        loss.backward()
        optim.step()
    with torch.no_grad():
        score = r2(net(xv), yv).item()
    if epoch % 2:
        print(f"epoch {epoch} mse {loss.item():.4f} held-out r2 {score:.4f}")
finish("r2", score)
