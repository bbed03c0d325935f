"""Several yes-or-no answers a sample."""
from _common import *
from torch import nn

seed()
x, y, xt, yt = letters_split()
answers = lambda y: torch.stack([y % 2 == 0, y < 13, (y // 3) % 2 == 0, y > 18], 1).float()
t, tt = answers(y), answers(yt)
model = nn.Sequential(nn.Linear(16, 128), nn.SiLU(), nn.Linear(128, 64), nn.SiLU(), nn.Linear(64, 4))
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
criterion = nn.BCEWithLogitsLoss()
for epoch in range(12):
    model.train()
    for i in torch.randperm(len(x)).split(64):
        optimizer.zero_grad()
        loss = criterion(model(x[i]), t[i])
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        out = model(xt)
        print(epoch, criterion(out, tt).item(), ((out > 0) == tt.bool()).float().mean().item())
