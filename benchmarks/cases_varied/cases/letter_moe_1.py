"""Letter recognition with a softly gated mixture of experts."""
import torch
import torch.nn.functional as F
from torch import nn

from _common import FIXED, letters, seed_all


class Expert(nn.Module):
    def __init__(self, n_in, n_out, hidden):
        super().__init__()
        self.a, self.b = nn.Linear(n_in, hidden), nn.Linear(hidden, n_out)

    def forward(self, x):
        return self.b(F.relu(self.a(x)))


class Mixture(nn.Module):
    def __init__(self, n_in, n_out, n_experts=6, hidden=64):
        super().__init__()
        self.gate = nn.Sequential(nn.Linear(n_in, 32), nn.ReLU(), nn.Linear(32, n_experts))
        experts = [Expert(n_in, n_out, hidden) for _ in range(n_experts)]
        self.experts = nn.ModuleList(experts) if FIXED else experts

    def forward(self, x):
        g = self.gate(x).softmax(dim=-1)
        votes = torch.stack([e(x) for e in self.experts], dim=1)
        return torch.einsum("be,bec->bc", g, votes)


class Trainer:
    def __init__(self, net, lr, batch=64):
        self.net, self.batch = net, batch
        self.opt = torch.optim.Adam(net.parameters(), lr=lr)
        self.history = []

    def epoch(self, x, y):
        self.net.train()
        total = 0.0
        for idx in torch.randperm(len(x)).split(self.batch):
            loss = F.cross_entropy(self.net(x[idx]), y[idx])
            self.opt.zero_grad(set_to_none=True)
            loss.backward()
            self.opt.step()
            total += loss.item() * len(idx)
        return total / len(x)

    @torch.no_grad()
    def score(self, x, y):
        self.net.eval()
        out = self.net(x)
        return F.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()

    def fit(self, train, val, epochs):
        for e in range(epochs):
            loss = self.epoch(*train)
            self.history.append((loss, *self.score(*val)))
            print("epoch %2d  train %.4f  val %.4f  accuracy %.4f" % (e + 1, *self.history[-1]))
        return self.history[-1][-1]


def main():
    seed_all()
    x, y = letters()
    keep = torch.randperm(len(x))[:9000]
    x, y = torch.from_numpy(x)[keep], torch.from_numpy(y)[keep]
    x = (x - x[:7000].mean(0)) / x[:7000].std(0)
    acc = Trainer(Mixture(16, 26), lr=2e-3).fit((x[:7000], y[:7000]), (x[7000:], y[7000:]), epochs=15)
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
