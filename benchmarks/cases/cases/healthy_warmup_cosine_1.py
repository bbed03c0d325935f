"""A small ViT with linear warm-up, cosine decay and clipping."""
from _common import *
from torch import nn
import math

seed()
x, y, xt, yt = fashion_tensors(2000)


class PatchNet(nn.Module):
    def __init__(self, w=48):
        super().__init__()
        self.patch = nn.Conv2d(1, w, 7, 7)
        self.cls, self.pos = nn.Parameter(torch.zeros(1, 1, w)), nn.Parameter(0.02 * torch.randn(1, 17, w))
        layer = nn.TransformerEncoderLayer(w, 4, 2 * w, 0.0, "gelu", batch_first=True, norm_first=True)
        self.enc = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(w, 10)

    def forward(self, im):
        t = self.patch(im).flatten(2).transpose(1, 2)
        t = torch.cat([self.cls.expand(len(t), -1, -1), t], 1) + self.pos
        return self.head(self.enc(t)[:, 0])


net = PatchNet()
steps = 8 * 40
opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.05)
sched = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min(1, (s + 1) / 30) * 0.5 * (1 + math.cos(math.pi * min(1, s / steps))))
for e in range(8):
    net.train()
    for i in torch.randperm(2000).split(50):
        loss = nn.functional.cross_entropy(net(x[i]), y[i])
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
        sched.step()
    print(e, loss.item(), accuracy(net, xt, yt))
