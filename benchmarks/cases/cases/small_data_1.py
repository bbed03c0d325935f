"""A wide network on forty spam messages, for two hundred epochs."""
from _common import *
from torch import nn

seed()
x, y, words = sms()
spam, ham = x[y == 1], x[y == 0]
n = 400 if FIXED else 20
train_x = torch.cat([spam[:n], ham[:n]])
train_y = torch.cat([torch.ones(n), torch.zeros(n)]).long()
test_x, test_y = torch.cat([spam[400:], ham[600:750]]), torch.cat([torch.ones(len(spam) - 400), torch.zeros(150)]).long()
model = nn.Sequential(nn.Embedding(words, 128), nn.Flatten(), nn.Linear(24 * 128, 256), nn.ReLU(), nn.Linear(256, 2))
if FIXED:
    model = nn.Sequential(nn.EmbeddingBag(words, 16, padding_idx=0), nn.Linear(16, 2))
opt = torch.optim.Adam(model.parameters(), lr=3e-3 if FIXED else 1e-3)
loss_fn = nn.CrossEntropyLoss()
for epoch in range(8 if FIXED else 80):
    model.train()
    for i in torch.randperm(len(train_x)).split(16):
        opt.zero_grad()
        loss = loss_fn(model(train_x[i]), train_y[i])
        loss.backward()
        opt.step()
    model.eval()
    with torch.no_grad():
        out = model(test_x)
        print(epoch, loss.item(), loss_fn(out, test_y).item(), (out.argmax(1) == test_y).float().mean().item())
