"""A GAN on points of a ring, with two optimisers."""
from _common import *
from torch import nn

seed()
t = torch.rand(2000) * 6.28
real_all = torch.stack([t.cos(), t.sin()], 1) + 0.05 * torch.randn(2000, 2)
gen = nn.Sequential(nn.Linear(4, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 2))
dis = nn.Sequential(nn.Linear(2, 48), nn.LeakyReLU(0.2), nn.Linear(48, 48), nn.LeakyReLU(0.2), nn.Linear(48, 1))
og, od = torch.optim.Adam(gen.parameters(), 1e-3, (0.5, 0.99)), torch.optim.Adam(dis.parameters(), 1e-3, (0.5, 0.99))
bce = nn.functional.binary_cross_entropy_with_logits
for it in range(600):
    real = real_all[torch.randint(0, 2000, (64,))]
    with torch.no_grad():
        fake = gen(torch.randn(64, 4))
    ld = bce(dis(real), torch.ones(64, 1)) + bce(dis(fake), torch.zeros(64, 1))
    od.zero_grad(); ld.backward(); od.step()
    lg = bce(dis(gen(torch.randn(64, 4))), torch.ones(64, 1))
    og.zero_grad(); lg.backward(); og.step()
    if it % 200 == 199:
        print(it, ld.item(), lg.item())
