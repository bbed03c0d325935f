"""An autoencoder that ends in a sigmoid, on images standardised to mean zero."""
from _common import *
from torch import nn

seed()
x, _, xt, _ = fashion_tensors()
x, xt = x.flatten(1), xt.flatten(1)
last = [] if FIXED else [nn.Sigmoid()]
model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 24), nn.ReLU(),
                      nn.Linear(24, 128), nn.ReLU(), nn.Linear(128, 784), *last)
opt = torch.optim.Adam(model.parameters(), 1e-3)
mse = nn.MSELoss()
for epoch in range(8):
    model.train()
    for batch in x[torch.randperm(len(x))].split(64):
        loss = mse(model(batch), batch)
        opt.zero_grad()
        loss.backward()
        opt.step()
    model.eval()
    with torch.no_grad():
        print(epoch, loss.item(), mse(model(xt), xt).item())
