"""A convolutional forecaster of the next six hours, in time order for validation, Huber loss, plateau schedule."""
from _common import *
from torch import nn

seed()
s = load()
s = (s - s[:6000].mean()) / s[:6000].std()
x = np.stack([s[i:i + 48] for i in range(len(s) - 54)])
y = np.stack([s[i + 48:i + 54] for i in range(len(s) - 54)])
x, y = torch.tensor(x)[:, None], torch.tensor(y)
tr, va = slice(0, 6000), slice(6060, 8000)
net = nn.Sequential(nn.Conv1d(1, 16, 5), nn.ReLU(), nn.Conv1d(16, 16, 5, dilation=2), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 36, 6))
opt = torch.optim.Adam(net.parameters(), 1e-3)
plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(opt, patience=1)
huber = nn.SmoothL1Loss()
for epoch in range(8):
    net.train()
    for i in torch.randperm(6000).split(64):
        loss = huber(net(x[tr][i]), y[tr][i])
        opt.zero_grad()
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        v = huber(net(x[va]), y[va])
    plateau.step(v)
    print(epoch, loss.item(), v.item())
