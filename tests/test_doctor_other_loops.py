"""Programs of other shape, run unchanged: a GPT with accumulation, a GAN of two optimisers, a Hugging Face Trainer."""

from __future__ import annotations

from pathlib import Path

import pytest

from programs import check_program

HEAD = """
import sys, torch
from torch import nn
from torch.nn import functional as F
faulty = sys.argv[1] == "faulty"
torch.manual_seed(0)
g = torch.Generator().manual_seed(1)
"""
PROGRAMS = {
    "setup/future-leak": """
V, T, D = 32, 24, 48
class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(D), nn.LayerNorm(D)
        self.qkv, self.proj = nn.Linear(D, 3 * D), nn.Linear(D, D)
        self.mlp = nn.Sequential(nn.Linear(D, 4 * D), nn.GELU(), nn.Linear(4 * D, D))
    def forward(self, x):
        q, k, v = (part.unflatten(2, (4, -1)).transpose(1, 2) for part in self.qkv(self.norm1(x)).chunk(3, 2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=not faulty)
        x = x + self.proj(y.transpose(1, 2).flatten(2))
        return x + self.mlp(self.norm2(x))
class GPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(V, D), nn.Embedding(T, D)
        self.blocks, self.norm = nn.ModuleList([Block(), Block()]), nn.LayerNorm(D)
        self.head = nn.Linear(D, V, bias=False)
        self.wte.weight = self.head.weight
        nn.init.normal_(self.head.weight, std=0.02)
    def forward(self, idx, targets=None):
        x = self.wte(idx) + self.wpe(torch.arange(idx.shape[1]))
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.norm(x))
        loss = None if targets is None else F.cross_entropy(logits.view(-1, V), targets.view(-1))
        return logits, loss
data = [0, 1]
for _ in range(6000):  # the next is told by the last two, nine times out of ten
    surprise = torch.rand((), generator=g) < 0.1
    data.append(int(torch.randint(V, (), generator=g)) if surprise else (3 * data[-1] + data[-2] + 1) % V)
data = torch.tensor(data)
def get_batch():
    ix = torch.randint(len(data) - T - 1, (8,), generator=g)
    return torch.stack([data[i : i + T] for i in ix]), torch.stack([data[i + 1 : i + T + 1] for i in ix])
model = GPT()
optimizer = torch.optim.AdamW(model.parameters(), 3e-3, betas=(0.9, 0.99), weight_decay=0.1)
for it in range(60):
    for group in optimizer.param_groups:
        group["lr"] = 3e-3 * min(1.0, (it + 1) / 10)
    for micro_step in range(4):
        logits, loss = model(*get_batch())
        (loss / 4).backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
""",
    "setup/parameters-not-trained": """
generator = nn.Sequential(nn.Linear(8, 32), nn.LeakyReLU(0.2), nn.Linear(32, 32), nn.LeakyReLU(0.2), nn.Linear(32, 2))
critic = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
held = generator[4].parameters() if faulty else generator.parameters()
opt_g, opt_d = torch.optim.Adam(held, 1e-3, (0.5, 0.99)), torch.optim.Adam(critic.parameters(), 1e-3, (0.5, 0.99))
for step in range(120):
    angle = 6.28 * torch.rand(64, generator=g)
    real = torch.stack([angle.cos(), angle.sin()], 1) + 0.05 * torch.randn(64, 2, generator=g)
    fake = generator(torch.randn(64, 8, generator=g))
    opt_d.zero_grad()
    loss = F.binary_cross_entropy_with_logits(critic(real), torch.ones(64, 1))
    loss = loss + F.binary_cross_entropy_with_logits(critic(fake.detach()), torch.zeros(64, 1))
    loss.backward()
    opt_d.step()
    opt_g.zero_grad()
    F.binary_cross_entropy_with_logits(critic(fake), torch.ones(64, 1)).backward()
    opt_g.step()
""",
    "training/learning-rate-too-low": """
import tempfile
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments
ids = torch.randint(5, 40, (320, 10), generator=g)
label = torch.randint(0, 2, (320,), generator=g)
ids[:, 1] = 40 + label
config = BertConfig(vocab_size=50, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
                    max_position_embeddings=16)
rows = [{"input_ids": a, "labels": b} for a, b in zip(ids, label)]
with tempfile.TemporaryDirectory() as folder:
    arguments = TrainingArguments(folder, num_train_epochs=8, per_device_train_batch_size=16, report_to=[],
                                  learning_rate=1e-6 if faulty else 2e-3, save_strategy="no", use_cpu=True,
                                  disable_tqdm=True, dataloader_pin_memory=False, max_grad_norm=1.0)
    Trainer(BertForSequenceClassification(config), arguments, train_dataset=rows).train()
""",
}


@pytest.mark.parametrize("code", PROGRAMS)
@pytest.mark.parametrize("case", ["faulty", "right"])
def test_programs(tmp_path: Path, code: str, case: str, capfd: pytest.CaptureFixture[str]) -> None:
    check_program(tmp_path, HEAD + PROGRAMS[code], code, case, capfd)
