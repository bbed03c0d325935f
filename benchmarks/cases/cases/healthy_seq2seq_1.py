"""An encoder and a decoder, two modules and one optimiser: digits are to be reversed."""
from _common import *
from torch import nn

seed()


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(12, 32)
        self.gru = nn.GRU(32, 64, batch_first=True)

    def forward(self, x):
        return self.gru(self.emb(x))[1]


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(12, 32)
        self.gru = nn.GRU(32, 64, batch_first=True)
        self.out = nn.Linear(64, 12)

    def forward(self, y, state):
        h, _ = self.gru(self.emb(y), state)
        return self.out(h)


encoder, decoder = Encoder(), Decoder()
opt = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], 5e-3)
loss_fn = nn.CrossEntropyLoss(ignore_index=11)
for step in range(400):
    x = torch.randint(10, (48, 5))
    target = x.flip(1)
    given = torch.cat([torch.full((48, 1), 10), target[:, :-1]], 1)
    logits = decoder(given, encoder(x))
    loss = loss_fn(logits.transpose(1, 2), target)
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_([*encoder.parameters(), *decoder.parameters()], 1.0)
    opt.step()
    if step % 100 == 99:
        print(step, loss.item())
