"""Unusual networks and loops that an examination showed to be missed or wrongly accused: agents, folds, own losses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from convergent.doctor.diagnose import judge
from convergent.doctor.evaluations import unseen_at_first_alone
from convergent.doctor.record import Evidence, SampleSet
from convergent.doctor.rules.shift import preprocessing_mismatch
from convergent.doctor.script import run_script
from programs import check_program
from recorded import activation, call, evidence, fall, layer, samples, stuck, tried, with_data
from test_doctor_other_hands import HEAD

PROGRAMS = {
    "prices in a loss of one's own: data/targets-not-scaled": """
price = 250_000 + 110_000 * x[:, 0] if faulty else x[:, 0]
net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3))
opt = torch.optim.Adam(net.parameters(), 3e-3)
shares = torch.tensor([0.1, 0.5, 0.9])
for step in range(200):
    rows = torch.randint(0, 400, (24,), generator=g)
    apart = price[rows].unsqueeze(1) - net(x[rows])
    opt.zero_grad()
    torch.maximum(shares * apart, (shares - 1) * apart).mean().backward()
    opt.step()
""",
    "folds that go on with one model: data/train-val-leakage": """
def make():
    net = mlp()
    return net, torch.optim.Adam(net.parameters(), 3e-3)
net, opt = make()
for fold in range(5):
    held = torch.arange(400) % 5 == fold
    if not faulty:
        net, opt = make()
    for epoch in range(4):
        for rows in (~held).nonzero().flatten()[torch.randperm(320, generator=g)].split(32):
            opt.zero_grad()
            F.cross_entropy(net(x[rows]), y[rows]).backward()
            opt.step()
    with torch.no_grad():
        print(F.cross_entropy(net(x[held]), y[held]))
""",
    "folds scaled by their own statistics that go on with one model: data/train-val-leakage": """
def make():
    net = mlp()
    return net, torch.optim.Adam(net.parameters(), 3e-3)
net, opt = make()
for fold in range(5):
    held = torch.arange(400) % 5 == fold
    mine = (x - x[~held].mean(0)) / x[~held].std(0)
    if not faulty:
        net, opt = make()
    for epoch in range(4):
        for rows in (~held).nonzero().flatten()[torch.randperm(320, generator=g)].split(32):
            opt.zero_grad()
            F.cross_entropy(net(mine[rows]), y[rows]).backward()
            opt.step()
    with torch.no_grad():
        out = net(mine[held])
        print(F.cross_entropy(net(mine[~held]), y[~held]), F.cross_entropy(out, y[held]))
""",
    "shares that became whole numbers: data/constant-feature": """
shares = (x.repeat(1, 4) - x.min()) / (x.max() - x.min())
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 4))
    def forward(self, x):
        return self.layers(x.float())
train(Net(), shares.long() if faulty else 4 * shares - 2, y, F.cross_entropy, epochs=12)
""",
    "an average of the weights alone: result/train-eval-gap": """
import copy
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 4))
    def forward(self, x):
        return self.layers(x)
net = Net()
average, frozen = copy.deepcopy(net).requires_grad_(False), copy.deepcopy(net).requires_grad_(False)
opt = torch.optim.Adam(net.parameters(), 3e-3)
for epoch in range(6):
    net.train()
    for rows in torch.randperm(400, generator=g).split(32):
        opt.zero_grad()
        F.cross_entropy(net(x[rows]), y[rows]).backward()
        opt.step()
        for mine, other in zip(average.parameters(), net.parameters()):
            mine.lerp_(other.detach(), 0.05)
        for mine, other in zip(average.buffers(), net.buffers()):
            faulty or mine.copy_(other)
    for one in (average, frozen, Net()):  # neither the first weights nor another network are an average
        one.eval()
        with torch.no_grad():
            print(F.cross_entropy(one(xt), yt))
""",
    "a decoder of its own that cannot reach its targets: setup/output-range": """
encoder, decoder = nn.Sequential(nn.Linear(8, 4)), nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 8))
ends = torch.sigmoid if faulty else torch.nn.Identity()
class Ends(nn.Module):
    def forward(self, z):
        return ends(z)
decoder.append(Ends())
opt = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], 3e-3)
for epoch in range(12):
    for rows in torch.randperm(300, generator=g).split(32):
        opt.zero_grad()
        F.mse_loss(decoder(encoder(x[rows])), x[rows]).backward()
        opt.step()
    with torch.no_grad():
        print(F.mse_loss(decoder(encoder(x[300:])), x[300:]))
""",
    "a density at a rate that it does not bear: training/learning-rate-too-high": """
class Density(nn.Module):
    def __init__(self):
        super().__init__()
        self.nets = nn.ModuleList(nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(),
                                                nn.Linear(64, 8)) for _ in range(6))
    def forward(self, z):
        found = 0.0
        for net in self.nets:
            kept, moved = z[:, :4], z[:, 4:]
            s, t = net(kept).chunk(2, 1)
            s = 2 * torch.tanh(s / 2)
            z, found = torch.cat([moved * s.exp() + t, kept], 1), found + s.sum(1)
        return found - 0.5 * (z**2).sum(1)
torch.manual_seed(0)
net = Density()
opt = torch.optim.Adam(net.parameters(), 0.1 if faulty else 2e-3)
for step in range(500):
    rows = torch.randint(0, 400, (50,), generator=g)
    opt.zero_grad()
    (-net(x[rows]).mean()).backward()
    opt.step()
""",
}


NEAR = """
net = mlp()
opt = torch.optim.Adam(net.parameters(), 3e-3)
noisy = x + 0.02 * torch.randn(400, 8, generator=g)
for epoch in range(6):
    for rows in torch.randperm(400, generator=g).split(32):
        opt.zero_grad()
        F.cross_entropy(net(noisy[rows]), y[rows]).backward()
        opt.step()
    with torch.no_grad():
        print(F.cross_entropy(net(xt), yt))
        for rows in torch.randperm(400, generator=g).split(80):
            print(F.cross_entropy(net(x[rows]), y[rows]))
"""
"""Validation, and training samples without the noise with which they are trained on."""


def test_training_samples_that_are_scored_without_their_noise_are_no_leak(tmp_path: Path) -> None:
    program = tmp_path / "train.py"
    program.write_text(HEAD + NEAR, encoding="utf-8")
    assert "data/train-val-leakage" not in {one.code for one in run_script(str(program), ["right"]).findings}


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("case", ["faulty", "right"])
def test_programs(tmp_path: Path, name: str, case: str, capfd: pytest.CaptureFixture[str]) -> None:
    check_program(tmp_path, HEAD + PROGRAMS[name], name.rsplit(maxsplit=1)[-1], case, capfd)


def codes(one: Evidence) -> dict[str, str]:
    return {found.code: found.severity for found in judge(one)}


def pictures(count: int, size: int, level: float, spread: float) -> SampleSet:
    g = torch.Generator().manual_seed(count)
    x = level + spread * torch.randn(count, 1, size, size, generator=g)
    return SampleSet(x, None, [count], list(range(count)))


def of_pictures(valid: SampleSet) -> Evidence:
    made = evidence(learned=False)
    return replace(made, data=replace(made.data, train=pictures(64, 16, 0.0, 1.0), valid=valid))


def test_pictures_of_another_size_are_compared_too() -> None:
    assert preprocessing_mismatch(of_pictures(pictures(4, 32, 0.1, 0.1))) is not None
    assert preprocessing_mismatch(of_pictures(pictures(40, 32, 0.1, 0.1))) is not None
    assert preprocessing_mismatch(of_pictures(pictures(4, 32, 0.0, 1.0))) is None
    assert preprocessing_mismatch(of_pictures(pictures(2, 32, 0.1, 0.1))) is None, "two may be dark ones"


def test_answers_to_a_few_questions_are_no_windows_of_a_series() -> None:
    g = torch.Generator().manual_seed(0)
    made = evidence(learned=True)
    answers = [SampleSet(torch.randint(0, 3, (n, 8), generator=g), None, [n], list(range(n))) for n in (900, 300)]
    given = replace(made, data=replace(made.data, train=answers[0], valid=answers[1], overlap=None))
    assert "data/train-val-leakage" not in codes(given)
    series = torch.randn(1300, generator=g).unfold(0, 8, 1)
    rows = torch.randperm(len(series), generator=g)
    cut = [SampleSet(series[part], None, [len(part)], part.tolist()) for part in (rows[300:], rows[:300])]
    windows = replace(made, data=replace(made.data, train=cut[0], valid=cut[1], overlap=None))
    assert codes(windows).get("data/train-val-leakage") == "critical"


def test_what_an_agent_meets_comes_in_an_order_and_is_asked_ever_more() -> None:
    sizes = [10 + 3 * step for step in range(12)]
    states = torch.randn(sum(sizes), 4, generator=torch.Generator().manual_seed(0))
    rewards = torch.cat([torch.full((size, 1), float(size)) for size in sizes])
    steps = SampleSet(states, rewards, sizes, list(range(sum(sizes))))
    made = evidence(learned=False, losses=[0.06 + 0.001 * step for step in range(120)])
    made = with_data(made, loss=call("mse", 1))
    made = tried(made, chance_loss=None, initial_loss=0.06)
    agent = with_data(made, train=steps)
    assert {"data/not-shuffled", "training/divergence"}.isdisjoint(codes(agent))
    stored = with_data(made, train=replace(steps, total=len(states)))
    assert {"data/not-shuffled", "training/divergence"} <= codes(stored).keys(), "samples that come again are stored"


def test_a_loss_of_ones_own_that_begins_with_the_scale_of_its_targets() -> None:
    made = tried(evidence(losses=fall(180_000.0, 7.9)), chance_loss=None, initial_loss=180_000.0)
    far = with_data(made, loss=None, subtracted=(580.0, 346.0))
    assert codes(far)["data/targets-not-scaled"] == "warning"
    assert "data/targets-not-scaled" not in codes(with_data(far, subtracted=(0.0, 1.0)))
    near = tried(replace(far, losses=fall(30.0, 7.9)), initial_loss=30.0)
    assert "data/targets-not-scaled" not in codes(near), "outputs may start where the targets lie"


def test_a_loss_without_a_floor_says_nothing_of_the_rate() -> None:
    far = [(1e-4, 0.05), (1e-3, 0.04), (1e-2, 0.0), (1.0, -280.0)]
    made = tried(stuck(), initial_loss=0.06, same_rate_loss=0.04, range_test=far, fresh_best_loss=None)
    assert "setup/learning-rate-out-of-range" not in codes(made)


def test_what_arrives_by_a_way_around_has_not_died_out() -> None:
    deep = [layer(f"l{k}", weight_std=0.05, fan_in=32) for k in range(8)]
    lost = {"layers": deep, "samples": samples(output_std=1e-9)}
    dead = stuck(**lost, activations=activation(std_across_samples=1e-8))
    assert codes(dead).get("setup/bad-initialization") == "critical"
    assert "setup/bad-initialization" not in codes(replace(dead, activations=activation(std_across_samples=0.5)))


class Scored:
    """A chunk of an evaluation, as far as its samples go."""

    def __init__(self, step: int, *hashes: int) -> None:
        self.step, self.hashes = step, list(hashes)


@pytest.mark.parametrize(
    ("chunks", "found"),
    [
        ([Scored(9, 90, 91), Scored(19, 1, 2), Scored(29, 3, 4)], True),
        ([Scored(9, 1, 2), Scored(9, 90, 91), Scored(19, 1, 2, 3, 4), Scored(19, 5, 6), Scored(29, 7, 8)], True),
        ([Scored(9, 90, 91), Scored(19, 90, 91), Scored(29, 90, 91)], False),
        ([Scored(9, 1, 2), Scored(19, 3, 4), Scored(29, 5, 6)], False),
        ([Scored(9, 90, 91), Scored(19, 1, 2), Scored(29, 1, 2)], False),
        ([Scored(9, 90, 91), Scored(9, 1, 2), Scored(19, 90, 91), Scored(19, 3, 4)], False),
    ],
)
def test_sets_that_were_unseen_at_first_alone(chunks: list[Scored], found: bool) -> None:
    assert unseen_at_first_alone(chunks, set(range(20))) is found  # type: ignore[arg-type]
