"""A bidirectional encoder that fills in masked characters; only these count."""
from _common import *
from torch import nn

seed()
text, vocab = emma(60_000)
T = 32


class MLM(nn.Module):
    def __init__(self, w=32):
        super().__init__()
        self.e, self.p = nn.Embedding(vocab + 1, w), nn.Parameter(0.02 * torch.randn(T, w))
        self.enc = nn.GRU(w, w, batch_first=True, bidirectional=True)
        self.o = nn.Linear(2 * w, vocab)

    def forward(self, t):
        return self.o(self.enc(self.e(t) + self.p)[0])


net = MLM()
opt = torch.optim.AdamW(net.parameters(), lr=4e-3)
for step in range(200):
    s = torch.randint(0, 55_000, (24,))
    ids = torch.stack([text[k:k + T] for k in s])
    hide = torch.rand(ids.shape) < 0.15
    target = torch.where(hide, ids, torch.full_like(ids, -100))
    logits = net(torch.where(hide, torch.full_like(ids, vocab), ids))
    loss = nn.functional.cross_entropy(logits.view(-1, vocab), target.view(-1))
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 50 == 49:
        print(step, loss.item())
