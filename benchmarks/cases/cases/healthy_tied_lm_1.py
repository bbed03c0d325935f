"""A GRU language model that ties its embedding to its output, stateful, truncated back-propagation."""
from _common import *
from torch import nn

seed()
text, vocab = emma(60_000)


class Tied(nn.Module):
    def __init__(self, w=48):
        super().__init__()
        self.emb = nn.Embedding(vocab, w)
        nn.init.normal_(self.emb.weight, std=0.1)
        self.rnn = nn.GRU(w, w, batch_first=True)
        self.out = nn.Linear(w, vocab)
        self.out.weight = self.emb.weight

    def forward(self, ids, h=None):
        o, h = self.rnn(self.emb(ids), h)
        return self.out(o), h


net = Tied()
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
stream = text[:16 * 3000].view(16, 3000)
val = text[48_000:48_000 + 32 * 300].view(32, 300)
for e in range(3):
    h = None
    for p in range(0, 2960, 40):
        h = h.detach() if h is not None else None
        logits, h = net(stream[:, p:p + 40], h)
        loss = nn.functional.cross_entropy(logits.reshape(-1, vocab), stream[:, p + 1:p + 41].reshape(-1))
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 0.5)
        opt.step()
    net.eval()
    with torch.no_grad():
        print(e, loss.item(), nn.functional.cross_entropy(net(val[:, :-1])[0].reshape(-1, vocab), val[:, 1:].reshape(-1)).item())
    net.train()
