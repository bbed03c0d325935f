"""Text classification with a large embedding and no regularisation, trained far too long."""
from _common import *
from torch import nn

seed()
x, y, vocab = sms()
p = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
x, y = x[p][:900], y[p][:900]
noise = torch.rand(900, generator=torch.Generator().manual_seed(1)) < 0.12
y = torch.where(noise, 1 - y, y)
net = nn.Sequential(nn.EmbeddingBag(vocab, 64, mode="mean"), nn.Dropout(0.5 if FIXED else 0.0), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
for epoch in range(2 if FIXED else 20):
    net.train()
    for i in torch.randperm(600).split(30):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(x[i]), y[i])
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        o = net(x[600:])
        print(epoch, loss.item(), nn.functional.cross_entropy(o, y[600:]).item(), (o.argmax(1) == y[600:]).float().mean().item())
