"""Reversing strings: encoder, decoder, teacher forcing, padding ignored."""
from _common import *
from torch import nn

seed()
g = torch.Generator().manual_seed(1)
n, T = 1500, 6
src = torch.randint(3, 13, (n, T), generator=g)
length = torch.randint(3, T + 1, (n,), generator=g)
src[torch.arange(T)[None] >= length[:, None]] = 0
tgt = torch.zeros(n, T + 2, dtype=torch.long)
tgt[:, 0] = 1
for k in range(n):
    L = int(length[k])
    tgt[k, 1:L + 1] = src[k, :L].flip(0)
    tgt[k, L + 1] = 2


class S2S(nn.Module):
    def __init__(self, w=48):
        super().__init__()
        self.e = nn.Embedding(13, w, padding_idx=0)
        self.enc, self.dec = nn.GRU(w, w, batch_first=True, bidirectional=True), nn.GRU(w, 2 * w, batch_first=True)
        self.out = nn.Linear(2 * w, 13)

    def forward(self, s, t):
        _, h = self.enc(self.e(s))
        return self.out(self.dec(self.e(t), torch.cat([h[0], h[1]], 1)[None])[0])


net = S2S()
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
crit = nn.CrossEntropyLoss(ignore_index=0)
for e in range(10):
    net.train()
    for i in torch.randperm(1300).split(50):
        loss = crit(net(src[i], tgt[i, :-1]).transpose(1, 2), tgt[i, 1:])
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
    net.eval()
    with torch.no_grad():
        print(e, loss.item(), crit(net(src[1300:], tgt[1300:, :-1]).transpose(1, 2), tgt[1300:, 1:]).item())
