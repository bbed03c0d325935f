"""A small vision transformer trained with Adam at 0.05."""
from _common import *
from torch import nn


class ViT(nn.Module):
    def __init__(self, dim=48, depth=3):
        super().__init__()
        self.patch = nn.Conv2d(1, dim, 7, 7)
        self.cls = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos = nn.Parameter(torch.randn(1, 17, dim) * 0.02)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(dim, 4, 2 * dim, 0.0, batch_first=True, norm_first=True) for _ in range(depth))
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, 10)

    def forward(self, img):
        t = self.patch(img).flatten(2).transpose(1, 2)
        t = torch.cat([self.cls.expand(len(t), -1, -1), t], 1) + self.pos
        for block in self.blocks:
            t = block(t)
        return self.head(self.norm(t)[:, 0])


seed()
x, y, xt, yt = fashion_tensors(1500)
vit = ViT()
opt = torch.optim.Adam(vit.parameters(), lr=1e-3 if FIXED else 0.05)
for epoch in range(6):
    for idx in torch.randperm(len(x)).split(48):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(vit(x[idx]), y[idx])
        loss.backward()
        opt.step()
    print(epoch, round(loss.item(), 3), accuracy(vit, xt, yt))
