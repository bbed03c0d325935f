"""A decoder that ends in ReLU for pictures scaled to -1 .. 1."""
from _common import *
from torch import nn

seed()
x = torch.tensor(fashion(1200)[0]).float().div(127.5).sub(1)[:, None]


class Auto(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = nn.Sequential(nn.Conv2d(1, 8, 4, 2, 1), nn.ReLU(), nn.Conv2d(8, 16, 4, 2, 1), nn.ReLU())
        self.dec = nn.Sequential(nn.ConvTranspose2d(16, 8, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(8, 1, 4, 2, 1),
                                 nn.Tanh() if FIXED else nn.ReLU())

    def forward(self, im):
        return self.dec(self.enc(im))


ae = Auto()
opt = torch.optim.Adam(ae.parameters(), lr=2e-3)
for epoch in range(3):
    for i in torch.randperm(1000).split(40):
        opt.zero_grad()
        loss = nn.MSELoss()(ae(x[i]), x[i])
        loss.backward()
        opt.step()
    with torch.no_grad():
        print(epoch, loss.item(), nn.MSELoss()(ae(x[1000:]), x[1000:]).item())
