"""Load forecasting with a rectified recurrent network started at the identity (Le et al. 2015)."""
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, load_curve, seed_all

PAST = 72


class IRNN(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.rnn = nn.RNN(1, hidden, nonlinearity="relu", batch_first=True)
        self.out = nn.Linear(hidden, 1)
        nn.init.eye_(self.rnn.weight_hh_l0)
        nn.init.normal_(self.rnn.weight_ih_l0, std=0.1)
        nn.init.zeros_(self.rnn.bias_hh_l0)
        nn.init.zeros_(self.rnn.bias_ih_l0)

    def forward(self, x):
        h, _ = self.rnn(x.unsqueeze(2))
        return self.out(h[:, -1]).squeeze(1)


def main():
    seed_all()
    load = torch.from_numpy(load_curve())
    cut = 7000
    load = (load - load[:cut].mean()) / load[:cut].std()
    pieces, held = load[:cut].unfold(0, PAST + 1, 2), load[cut:].unfold(0, PAST + 1, 2)
    loader = DataLoader(TensorDataset(pieces[:, :-1].contiguous(), pieces[:, -1].contiguous()), batch_size=32, shuffle=True)
    xv, yv = held[:, :-1].contiguous(), held[:, -1].contiguous()
    net = IRNN()
    opt = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    for epoch in range(6):
        net.train()
        total = 0.0
        for x, y in loader:
            opt.zero_grad()
            loss = F.mse_loss(net(x), y)
            loss.backward()
            if FIXED:
                nn.utils.clip_grad_norm_(net.parameters(), 0.5)
            opt.step()
            total += loss.item()
        net.eval()
        with torch.no_grad():
            val = F.mse_loss(net(xv), yv).item()
        r2 = 1 - val / yv.var().item()
        print(f"epoch {epoch + 1}: train {total / len(loader):.4f} val {val:.4f} r2 {r2:.4f}")
    print(f"final r2 {r2:.4f}")


if __name__ == "__main__":
    main()
