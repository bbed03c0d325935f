"""Disease progression after a year: small noisy regression with early stopping and averaging of weights."""
import copy

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from _common import seed_all, table


def main():
    seed_all()
    d = table("diabetes")
    x, y = torch.from_numpy(d["x"]).float(), torch.from_numpy(d["y"]).float().reshape(-1, 1)
    perm = torch.randperm(len(x), generator=torch.Generator().manual_seed(8))
    tr, va = perm[:320], perm[320:]
    x = (x - x[tr].mean(0)) / x[tr].std(0)
    y = (y - y[tr].mean()) / y[tr].std()
    net = nn.Sequential(nn.Linear(x.shape[1], 24), nn.SiLU(), nn.Dropout(0.2), nn.Linear(24, 1))
    average = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(0.95))
    opt = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=0.05)
    huber = nn.HuberLoss()
    best, best_state, patience = float("inf"), None, 0
    for epoch in range(60):
        net.train()
        total = 0.0
        for idx in torch.randperm(len(tr)).split(32):
            i = tr[idx]
            opt.zero_grad()
            loss = huber(net(x[i]), y[i])
            loss.backward()
            opt.step()
            average.update_parameters(net)
            total += loss.item() * len(i)
        average.eval()
        with torch.no_grad():
            out = average(x[va])
        val = huber(out, y[va]).item()
        r2 = 1 - ((out - y[va]) ** 2).mean().item() / y[va].var(unbiased=False).item()
        print(f"epoch {epoch + 1} train {total / len(tr):.4f} val {val:.4f} r2 {r2:.4f}")
        if val < best:
            best, best_state, patience, best_r2 = val, copy.deepcopy(average.state_dict()), 0, r2
        else:
            patience += 1
        if patience >= 10:
            break
    average.load_state_dict(best_state)
    print(f"final r2 {best_r2:.4f}")


if __name__ == "__main__":
    main()
