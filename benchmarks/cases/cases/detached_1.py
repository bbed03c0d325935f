"""The encoder's output goes through numpy-like detach on its way to the head."""
from _common import *
from torch import nn


class Sentence(nn.Module):
    def __init__(self, words):
        super().__init__()
        self.embed = nn.Embedding(words, 32, padding_idx=0)
        self.lstm = nn.LSTM(32, 32, batch_first=True)
        self.head = nn.Linear(32, 2)

    def forward(self, ids):
        out, (h, _) = self.lstm(self.embed(ids))
        h = h[-1] if FIXED else h[-1].detach()
        return self.head(h)


seed()
x, y, words = sms()
x, y, xt, yt = x[:2500], y[:2500], x[4000:], y[4000:]
net = Sentence(words)
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
lossf = nn.CrossEntropyLoss(weight=torch.tensor([0.6, 3.6]))
for epoch in range(4):
    net.train()
    for i in torch.randperm(len(x)).split(50):
        loss = lossf(net(x[i]), y[i])
        opt.zero_grad()
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        print(epoch, loss.item(), lossf(net(xt), yt).item(), accuracy(net, xt, yt))
