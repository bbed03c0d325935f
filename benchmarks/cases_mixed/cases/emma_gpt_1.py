"""A little character GPT on Jane Austen's Emma."""
import torch
import torch.nn.functional as F
from torch import nn

from _common import FIXED, SAMPLES, seed_all

CONTEXT, DIM = 48, 64


class GPT(nn.Module):
    def __init__(self, vocab):
        super().__init__()
        self.tok, self.pos = nn.Embedding(vocab, DIM), nn.Embedding(CONTEXT, DIM)
        layer = nn.TransformerEncoderLayer(DIM, 4, 4 * DIM, dropout=0.0, batch_first=True,
                                           norm_first=True, activation="gelu")
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(DIM)
        self.head = nn.Linear(DIM, vocab)
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(CONTEXT))

    def forward(self, ids):
        t = ids.shape[1]
        h = self.tok(ids) + self.pos(torch.arange(t))
        h = self.layers(h, mask=self.mask[:t, :t]) if FIXED else self.layers(h)
        return self.head(self.norm(h))


def batch(data, size=24):
    start = torch.randint(len(data) - CONTEXT - 1, (size,))
    rows = torch.stack([data[s:s + CONTEXT + 1] for s in start])
    return rows[:, :-1], rows[:, 1:]


def loss_on(net, ids, targets):
    return F.cross_entropy(net(ids).flatten(0, 1), targets.flatten())


@torch.no_grad()
def estimate(net, data, rounds=10):
    net.eval()
    loss = sum(loss_on(net, *batch(data)).item() for _ in range(rounds)) / rounds
    net.train()
    return loss


def main():
    seed_all()
    text = (SAMPLES / "emma.txt").read_text()
    chars = sorted(set(text))
    ids = torch.tensor([chars.index(c) for c in text[:400_000]])
    train, val = ids[:360_000], ids[360_000:]
    net = GPT(len(chars))
    opt = torch.optim.AdamW(net.parameters(), lr=3e-3)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, 3e-3, total_steps=400)
    for step in range(400):
        loss = loss_on(net, *batch(train))
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
        sched.step()
        if (step + 1) % 50 == 0:
            print(f"step {step + 1} train {loss.item():.4f} val {estimate(net, val):.4f}")
    print(f"final val_loss {estimate(net, val, 20):.4f}")


if __name__ == "__main__":
    main()
