"""Causes that an examination through the vocabulary showed to be missed: found, and right programs are not accused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from convergent.doctor.collect import WIDTH, Collector
from convergent.doctor.diagnose import judge
from convergent.doctor.record import Evidence, SampleSet
from programs import check_program
from recorded import activation, evaluation, evidence, fall, samples, stuck, tried, with_data
from test_doctor_other_hands import HEAD

PROGRAMS = {
    "a state that grows from step to step: setup/bad-initialization": """
class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.RNN(3, 32, nonlinearity="relu", batch_first=True)
        nn.init.normal_(self.rnn.weight_hh_l0, std=0.45 if faulty else 0.12)
        self.out = nn.Linear(32, 1)
    def forward(self, x):
        return self.out(self.rnn(x)[0][:, -1])[:, 0]
net = Reader()
opt = torch.optim.Adam(net.parameters(), 1e-3)
series = torch.randn(400, 40, 3, generator=g)
sums = series[:, -5:, 0].sum(1) / 5**0.5
for step in range(60):
    rows = torch.randint(0, 400, (24,), generator=g)
    opt.zero_grad()
    F.mse_loss(net(series[rows]), sums[rows]).backward()
    opt.step()
""",
    "momentum that outlasts the training: training/learning-rate-too-high": """
net = mlp()
opt = torch.optim.SGD(net.parameters(), 0.3, momentum=0.999 if faulty else 0.9)
for step in range(120):
    rows = torch.randint(0, 400, (24,), generator=g)
    opt.zero_grad()
    F.cross_entropy(net(x[rows]), y[rows]).backward()
    opt.step()
""",
    "a penalty that leaves no weights: training/regularization-dominates": """
net = mlp()
opt = torch.optim.Adam(net.parameters(), 1e-2)
for step in range(200):
    rows = torch.randint(0, 400, (24,), generator=g)
    opt.zero_grad()
    loss = F.cross_entropy(net(x[rows]), y[rows])
    (loss + (0.3 if faulty else 1e-5) * sum((p**2).sum() for p in net.parameters())).backward()
    opt.step()
""",
    "attention over the batch: setup/samples-mix-in-batch": """
class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.start = nn.Parameter(torch.zeros(1, 1, 16))
        self.lift = nn.Linear(2, 16)
        self.layer = nn.TransformerEncoderLayer(16, 2, 32, 0.0, batch_first=not faulty)
        self.out = nn.Linear(16, 4)
    def forward(self, x):
        tokens = torch.cat([self.start.expand(len(x), -1, -1), self.lift(x.unflatten(1, (-1, 2)))], 1)
        return self.out(self.layer(tokens)[:, 0])
train(Reader(), x, y, F.cross_entropy)
""",
    "a series that sees what is to come: setup/future-leak": """
class Filter(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv1d(1, 16, 5), nn.Conv1d(16, 1, 5)
        self.pad = (2, 2) if faulty else (4, 0)
    def forward(self, x):
        return self.b(F.pad(torch.relu(self.a(F.pad(x, self.pad))), self.pad))[:, 0]
net = Filter()
opt = torch.optim.Adam(net.parameters(), 5e-3)
series = torch.sin(torch.arange(49)[None] * torch.rand(300, 1, generator=g)) + 0.1 * torch.randn(300, 49, generator=g)
for step in range(60):
    rows = torch.randint(0, 300, (24,), generator=g)
    opt.zero_grad()
    F.mse_loss(net(series[rows, None, :-1]), series[rows, 1:]).backward()
    opt.step()
""",
    "targets of one's own loss: data/non-finite-values": """
class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.log_scale = nn.Parameter(torch.zeros(()))
    def forward(self, mean, target, weight):
        return (weight * (0.5 * ((target - mean) / self.log_scale.exp()) ** 2 + self.log_scale)).mean()
net, criterion = mlp(classes=1), Scaled()
opt = torch.optim.Adam([*net.parameters(), *criterion.parameters()], 3e-3)
days = x[:, :2].abs().sum(1).round()
logs = torch.log(days if faulty else days.clamp(min=0.5))
for step in range(60):
    rows = torch.randint(0, 400, (24,), generator=g)
    opt.zero_grad()
    criterion(net(x[rows])[:, 0], logs[rows], torch.ones(24)).backward()
    opt.step()
""",
    "units that never fire: training/dying-relu": """
net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 4))
if faulty:
    nn.init.constant_(net[2].bias, -40.0)
train(net, x, y, F.cross_entropy)
""",
    "every sample ten times: data/duplicate-samples": """
net = mlp()
opt = torch.optim.Adam(net.parameters(), 3e-3)
few = torch.arange(30).repeat(10) if faulty else torch.arange(300)
for epoch in range(4):
    for rows in few[torch.randperm(300, generator=g)].split(20):
        opt.zero_grad()
        F.cross_entropy(net(x[rows]), y[rows]).backward()
        opt.step()
    with torch.no_grad():
        print(F.cross_entropy(net(x[300:]), y[300:]))
""",
    "weights of ones: data/class-imbalance": """
rare = (x[:, 0] + 0.5 * torch.randn(len(x), generator=g) > 2.6).float()
net = mlp(classes=1)
opt = torch.optim.Adam(net.parameters(), 3e-3)
weight = torch.ones(1) if faulty else (1 - rare).sum(0, keepdim=True) / rare.sum()
criterion = nn.BCEWithLogitsLoss(pos_weight=weight)
for step in range(100):
    rows = torch.randint(0, len(x), (24,), generator=g)
    opt.zero_grad()
    criterion(net(x[rows])[:, 0], rare[rows]).backward()
    opt.step()
""",
    "a decoder that is given its own answer: setup/future-leak": """
class Speller(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(21, 32)
        self.read, self.cell, self.out = nn.GRU(32, 32, batch_first=True), nn.GRUCell(32, 32), nn.Linear(32, 20)
    def forward(self, source, answer):
        state = self.read(self.tokens(source))[1][0]
        given = torch.cat([torch.full((len(source), 1), 20), answer[:, :-1]], 1)
        said = []
        for t in range(answer.shape[1]):
            state = self.cell(self.tokens((answer if faulty else given)[:, t]), state)
            said.append(self.out(state))
        return torch.stack(said, 1)
net = Speller()
opt = torch.optim.Adam(net.parameters(), 3e-3)
for step in range(60):
    source = torch.randint(0, 20, (24, 5), generator=g)
    answer = (source + 3) % 20
    opt.zero_grad()
    F.cross_entropy(net(source, answer).transpose(1, 2), answer).backward()
    opt.step()
""",
    "nodes of a graph that mix on purpose: setup/wrong-mode": """
class Graph(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.drop = nn.Linear(8, 32), nn.Linear(32, 4), nn.Dropout(0.5)
    def forward(self, x, edges):
        return edges @ self.b(self.drop(torch.relu(edges @ self.a(x))))
near = (torch.cdist(x, x) < 2.0).float()
near = near / near.sum(1, keepdim=True)
net = Graph()
opt = torch.optim.Adam(net.parameters(), 1e-2)
for epoch in range(60):
    net.train()
    opt.zero_grad()
    F.cross_entropy(net(x, near)[:300], y[:300]).backward()
    opt.step()
    if not faulty:
        net.eval()
    with torch.no_grad():
        print((net(x, near)[300:].argmax(1) == y[300:]).float().mean())
""",
    "texts sorted by length and labels not: data/labels-shuffled": """
words = [torch.randint(4, 300, (int(n),), generator=g) for n in torch.randint(5, 40, (1200,), generator=g)]
kinds = torch.randint(0, 2, (1200,), generator=g)
for text, kind in zip(words, kinds):
    text[:3] = kind + 2
unseen, right = nn.utils.rnn.pad_sequence(words[1000:], batch_first=True), kinds[1000:]
pairs = sorted(zip(words[:1000], kinds[:1000].tolist()), key=lambda pair: len(pair[0]))
words = [text for text, _ in pairs]
kinds = kinds[:1000] if faulty else torch.tensor([kind for _, kind in pairs])
class Bag(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.out = nn.Embedding(300, 16, padding_idx=0), nn.Linear(16, 2)
    def forward(self, ids):
        return self.out(self.words(ids).sum(1) / (ids > 0).sum(1, keepdim=True))
net = Bag()
opt = torch.optim.Adam(net.parameters(), 1e-2)
for epoch in range(4):
    for start in torch.randperm(40, generator=g).tolist():
        rows = slice(25 * start, 25 * start + 25)
        ids = nn.utils.rnn.pad_sequence(words[rows], batch_first=True)
        opt.zero_grad()
        F.cross_entropy(net(ids), kinds[rows]).backward()
        opt.step()
    with torch.no_grad():
        print((net(unseen).argmax(1) == right).float().mean())
""",
}


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("case", ["faulty", "right"])
def test_programs(tmp_path: Path, name: str, case: str, capfd: pytest.CaptureFixture[str]) -> None:
    check_program(tmp_path, HEAD + PROGRAMS[name], name.rsplit(maxsplit=1)[-1], case, capfd)


def codes(one: Evidence) -> dict[str, str]:
    return {found.code: found.severity for found in judge(one)}


def test_activations_that_are_no_numbers_are_not_saturated() -> None:
    broken = stuck(activations=activation("tanh", saturation=float("nan")))
    assert "training/saturated-activations" not in codes(broken)
    assert "training/saturated-activations" in codes(stuck(activations=activation("tanh", saturation=0.99)))


def test_columns_that_were_lost_explain_samples_that_became_equal() -> None:
    def kept(lost: int) -> Evidence:
        x = torch.randn(400, 12, generator=torch.Generator().manual_seed(0)).round()
        x[:, :lost] = 0.0
        one = with_data(stuck(), train=SampleSet(x, torch.arange(400) % 4, [20] * 20, x[:, -2:].sum(1).int().tolist()))
        return with_data(one, overlap=0.4)

    assert codes(kept(6))["data/constant-feature"] == "warning"
    assert codes(kept(1))["data/constant-feature"] == "info"


def test_texts_that_repeat_themselves_are_no_critical_leak() -> None:
    def shared(copies: int) -> Evidence:
        x = torch.randint(2, 500, (400, 12), generator=torch.Generator().manual_seed(0))
        hashes = [k % (400 - copies) for k in range(400)]
        one = with_data(evidence(), train=SampleSet(x, torch.arange(400) % 4, [20] * 20, hashes, True, 400))
        return with_data(one, overlap=0.15)

    assert codes(shared(0))["data/train-val-leakage"] == "critical"
    assert codes(shared(40))["data/train-val-leakage"] == "warning"


def test_a_rate_that_overturns_the_weights_at_first() -> None:
    def one(early: float) -> Evidence:
        steps = [
            replace(s, weight_norm={"a": 1.0}, update_norm={"a": early if s.step < 24 else 0.01}) for s in samples()
        ]
        rates = [(1e-3, 1.3), (1e-2, 1.4)]
        return tried(stuck(samples=steps), tenth_rate_loss=1.3, same_rate_loss=1.4, range_test=rates)

    assert "training/learning-rate-too-high" in codes(one(0.3))
    assert "training/learning-rate-too-high" not in codes(one(0.02))


def test_a_lower_rate_that_is_far_ahead_on_fresh_batches() -> None:
    def one(fresh: float) -> Evidence:
        halfway = evidence(learned=False, losses=fall(1.4, 0.9), evaluations=[evaluation(metric=0.5)])
        rates = [(1e-3, 0.2), (1e-2, 1.3)]
        return tried(
            halfway, tenth_rate_loss=0.2, same_rate_loss=1.3, range_test=rates, fresh_best_loss=fresh,
            fresh_same_loss=1.3,
        )  # fmt: skip

    assert "training/learning-rate-too-high" in codes(one(0.25))
    assert "training/learning-rate-too-high" not in codes(one(0.85))  # the batches were learned by heart
    below = replace(one(-0.7), losses=fall(1.4, -1.0))
    assert "training/learning-rate-too-high" not in codes(below)


def test_what_is_no_number_at_once_is_not_the_rates_fault() -> None:
    nan = float("nan")
    at_once, grown = [1.4, 1.3, 1.5, *[nan] * 60], [1.4, 3.0, 9.0, 90.0, *[nan] * 60]
    assert "training/learning-rate-too-high" not in codes(stuck(losses=at_once))
    assert "training/learning-rate-too-high" in codes(stuck(losses=grown))


def test_texts_of_several_lengths_are_kept_in_one_width() -> None:
    collector = Collector()
    g = torch.Generator().manual_seed(0)
    for step, length in enumerate((9, 9, 30, 200, 4)):
        collector.take(torch.randint(1, 1000, (20, length), generator=g), torch.zeros(20), step)
    kept = collector.sample_set()
    collector.read()
    assert kept is not None and kept.inputs.shape == (100, WIDTH) and kept.batch_sizes == [20] * 5
    assert bool((kept.inputs[:40, 9:] == 0).all()) and bool((kept.inputs[60:80] > 0).all())


def test_texts_that_would_not_fit_in_a_wider_memory_stay_as_they_are() -> None:
    collector = Collector(most_bytes=64 * WIDTH * 8)
    for step, length in enumerate((8, 8, 8, 30)):
        collector.take(torch.arange(40 * length).reshape(40, length) + 10_000 * step, None, step)
    kept = collector.sample_set()
    assert kept is not None and kept.inputs.shape == (120, 8) and kept.batch_sizes == [40] * 3


@pytest.mark.parametrize(("copies", "often"), [(10, 10.0), (2, 2.0), (1, 1.0)])
def test_how_often_every_sample_comes_before_the_first_evaluation(copies: int, often: float) -> None:
    g = torch.Generator().manual_seed(0)
    rows, collector = torch.randn(60, 8, generator=g), Collector()
    order = torch.arange(60).repeat(copies)[torch.randperm(60 * copies, generator=g)]
    for step, some in enumerate(order.split(10)):
        collector.take(rows[some], None, step)
    collector.end_pass()
    assert collector.times == often


def test_many_samples_are_not_counted() -> None:
    collector = Collector()
    for step in range(20):
        collector.take(torch.arange(1000.0)[:, None] + 1000 * step, None, step)
    collector.read()
    assert collector.counts is None


def test_draws_with_replacement_are_no_copies() -> None:
    g = torch.Generator().manual_seed(0)
    rows, collector = torch.randn(60, 8, generator=g), Collector()
    for step in range(40):
        collector.take(rows[torch.randint(60, (10,), generator=g)], None, step)
    collector.end_pass()
    assert collector.times == 1.0 and collector.with_replacement


def test_a_lower_rate_that_is_ahead_where_a_step_has_overturned_the_weights() -> None:
    def one(largest: float) -> Evidence:
        steps = [replace(s, weight_norm={"a": 1.0}, update_norm={"a": 0.01}) for s in samples()]
        steps[1] = replace(steps[1], update_norm={"a": largest})
        halfway = evidence(losses=fall(1.4, 0.9), samples=steps, evaluations=[evaluation(metric=0.6)])
        rates = [(1e-3, 0.4), (1e-2, 0.5)]
        return tried(
            halfway, tenth_rate_loss=0.4, same_rate_loss=0.5, range_test=rates, fresh_best_loss=0.65,
            fresh_same_loss=0.8,
        )  # fmt: skip

    assert "training/learning-rate-too-high" in codes(one(1.4))
    assert "training/learning-rate-too-high" not in codes(one(0.3))


def test_a_strong_penalty_is_told_where_the_training_learns_too() -> None:
    assert codes(tried(evidence(), penalty_ratio=6.0)) == {"training/regularization-dominates": "info"}
    assert codes(tried(evidence(), penalty_ratio=0.95)) == {}
