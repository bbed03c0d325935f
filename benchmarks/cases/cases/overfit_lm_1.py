"""A large LSTM language model on three pages for thirty epochs."""
from _common import *
from torch import nn

seed()
text, vocab = emma(80_000)
n = 60_000 if FIXED else 4_000
train, valid = text[:n], text[70_000:76_000]


class LM(nn.Module):
    def __init__(self):
        super().__init__()
        width = 64 if FIXED else 192
        self.emb = nn.Embedding(vocab, 32)
        self.rnn = nn.LSTM(32, width, batch_first=True)
        self.drop = nn.Dropout(0.2 if FIXED else 0.0)
        self.out = nn.Linear(width, vocab)

    def forward(self, x):
        return self.out(self.drop(self.rnn(self.emb(x))[0]))


def cut(t, k=50):
    m = (len(t) - 1) // k * k
    return t[:m].view(-1, k), t[1:m + 1].view(-1, k)


net = LM()
opt = torch.optim.Adam(net.parameters(), 3e-3)
x, y = cut(train)
xv, yv = cut(valid)
for epoch in range(2 if FIXED else 50):
    net.train()
    for i in torch.randperm(len(x)).split(20):
        loss = nn.functional.cross_entropy(net(x[i]).flatten(0, 1), y[i].flatten())
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
    net.eval()
    with torch.no_grad():
        print(epoch, loss.item(), nn.functional.cross_entropy(net(xv).flatten(0, 1), yv.flatten()).item())
