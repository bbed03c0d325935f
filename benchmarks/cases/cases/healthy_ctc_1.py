"""Sequences of symbols without alignment, by CTC."""
from _common import *
from torch import nn

seed()
g = torch.Generator().manual_seed(7)
code = torch.randn(6, 8, generator=g)
lab = torch.randint(1, 6, (500, 4), generator=g)
x = torch.stack([code[row].repeat_interleave(4, 0) for row in lab]) + 0.2 * torch.randn(500, 16, 8, generator=g)


class Rec(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(8, 32, batch_first=True, bidirectional=True)
        self.out = nn.Linear(64, 6)

    def forward(self, s):
        return self.out(self.rnn(s)[0]).log_softmax(-1)


net = Rec()
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
ctc = nn.CTCLoss(zero_infinity=True)
for e in range(12):
    for i in torch.randperm(400).split(20):
        lp = net(x[i]).transpose(0, 1)
        loss = ctc(lp, lab[i], torch.full((len(i),), 16), torch.full((len(i),), 4))
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        lp = net(x[400:]).transpose(0, 1)
        print(e, loss.item(), ctc(lp, lab[400:], torch.full((100,), 16), torch.full((100,), 4)).item())
