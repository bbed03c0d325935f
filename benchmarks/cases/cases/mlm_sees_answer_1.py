"""A next-character model with a convolution that is padded on both sides."""
from _common import *
from torch import nn

seed()
text, vocab = emma(50_000)


class ConvLM(nn.Module):
    def __init__(self):
        super().__init__()
        self.e = nn.Embedding(vocab, 32)
        self.c1, self.c2 = nn.Conv1d(32, 64, 3), nn.Conv1d(64, 64, 3)
        self.o = nn.Linear(64, vocab)

    def forward(self, t):
        pad = (2, 0) if FIXED else (1, 1)
        h = self.e(t).transpose(1, 2)
        h = torch.relu(self.c1(nn.functional.pad(h, pad)))
        h = torch.relu(self.c2(nn.functional.pad(h, pad)))
        return self.o(h.transpose(1, 2))


lm = ConvLM()
opt = torch.optim.Adam(lm.parameters(), lr=3e-3)
crit = nn.CrossEntropyLoss()
for step in range(300):
    s = torch.randint(45_000, (16,))
    b = torch.stack([text[k:k + 41] for k in s])
    opt.zero_grad()
    loss = crit(lm(b[:, :-1]).flatten(0, 1), b[:, 1:].flatten())
    loss.backward()
    opt.step()
    if step % 100 == 99:
        print(step, loss.item())
