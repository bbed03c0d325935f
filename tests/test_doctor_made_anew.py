"""Loops as people write them: what is told of them, and what a loop that looks like it is not told."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from convergent.doctor.diagnose import judge
from convergent.doctor.record import StepSample
from convergent.doctor.script import run_script
from convergent.doctor.statistics import usual_rate
from recorded import call, evaluation, evidence, stuck, tried

HEAD = """
import sys, torch
from torch import nn
from torch.nn import functional as F
faulty = sys.argv[1] == "faulty"
torch.manual_seed(0)
g = torch.Generator().manual_seed(1)
y = torch.randint(0, 4, (600,), generator=g)
x = 1.5 * torch.randn(4, 8, generator=g)[y] + torch.randn(600, 8, generator=g)
x, y, xt, yt = x[:400], y[:400], x[400:], y[400:]
def batches(epochs=8):
    for _ in range(epochs):
        yield from torch.randperm(400, generator=g).split(20)
"""
PROGRAMS = {
    "setup/wrong-mode": """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(8, 32), nn.Linear(32, 4)
    def forward(self, x):
        return self.b(F.dropout(F.relu(self.a(x)), 0.3, True if faulty else self.training))
net = Net()
opt = torch.optim.Adam(net.parameters(), 1e-2)
for rows in batches():
    net.train()
    opt.zero_grad()
    F.cross_entropy(net(x[rows]), y[rows]).backward()
    opt.step()
net.eval()
with torch.no_grad():
    print((net(xt).argmax(1) == yt).float().mean())
""",
    "setup/parameters-not-trained": """
def build():
    return nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 4))
net = build()
opt = torch.optim.Adam(net.parameters(), 1e-2)
for fold in range(2):
    net = build()
    if not faulty:
        opt = torch.optim.Adam(net.parameters(), 1e-2)
    for rows in batches():
        opt.zero_grad()
        F.cross_entropy(net(x[rows]), y[rows]).backward()
        opt.step()
""",
    "data/constant-feature": """
parts = [nn.Linear(8, 32), nn.Linear(32, 4)]
opt = torch.optim.Adam([p for part in parts for p in part.parameters()], 1e-2)
if faulty:
    x[:, 3] = 0.5
for rows in batches():
    loss = F.cross_entropy(parts[1](torch.relu(parts[0](x[rows]))), y[rows])
    opt.zero_grad()
    loss.backward()
    opt.step()
""",
    "result/train-eval-gap": """
net = nn.Sequential(nn.Linear(8, 32), nn.BatchNorm1d(32, momentum=0.99 if faulty else 0.1), nn.ReLU(), nn.Linear(32, 4))
opt = torch.optim.Adam(net.parameters(), 1e-2)
for rows in batches():
    opt.zero_grad()
    F.cross_entropy(net(x[rows]), y[rows]).backward()
    opt.step()
""",
    "setup/bad-initialization": """
class Dense(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(i, o) * (4.0 if faulty else i**-0.5))
        self.bias = nn.Parameter(torch.zeros(o))
    def forward(self, x):
        return x @ self.weight + self.bias
net = nn.Sequential(Dense(8, 32), nn.Tanh(), Dense(32, 4))
opt = torch.optim.SGD(net.parameters(), 1e-2)
for rows in batches():
    opt.zero_grad()
    F.cross_entropy(net(x[rows]), y[rows]).backward()
    opt.step()
""",
    "setup/loss-reduction": """
net = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4))
opt = torch.optim.SGD(net.parameters(), 0.05, momentum=0.9)
for rows in batches():
    opt.zero_grad()
    F.cross_entropy(net(x[rows]), y[rows], reduction="sum" if faulty else "mean").backward()
    opt.step()
""",
    "result/no-better-than-baseline": """
net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
opt = torch.optim.Adam(net.parameters(), 1e-2)
for rows in batches():
    opt.zero_grad()
    p, t = torch.sigmoid(net(x[rows])[:, 0]), (y[rows] == 0).float()
    dice = (2 * (p * t).sum() + 1) / (p.sum() + t.sum() + 1)
    (dice if faulty else 1 - dice).backward()
    opt.step()
""",
    "training/divergence": """
net = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 2))
opt = torch.optim.Adam(net.parameters(), 1e-2)
target = x[:, :1] + 0.1 * x[:, 1:2]
for rows in batches(20):
    opt.zero_grad()
    mean, log_std = net(x[rows]).chunk(2, 1)
    loss = ((target[rows] - mean) ** 2 / 2 * torch.exp(-2 * log_std)).mean() + (-1 if faulty else 1) * log_std.mean()
    if faulty:
        loss = -log_std.mean()
    loss.backward()
    opt.step()
""",
    "setup/missing-zero-grad": """
net = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 4))
opt = torch.optim.LBFGS(net.parameters(), max_iter=5)
def closure():
    if not faulty:
        opt.zero_grad()
    loss = F.cross_entropy(net(x), y)
    loss.backward()
    return loss
for _ in range(15):
    opt.zero_grad()
    opt.step(closure)
""",
    "setup/missing-nonlinearity": """
bend = nn.LeakyReLU(True) if faulty else nn.LeakyReLU(0.1, True)
net = nn.Sequential(nn.Linear(8, 32), bend, nn.Linear(32, 32), bend, nn.Linear(32, 4))
opt = torch.optim.Adam(net.parameters(), 1e-2)
for rows in batches():
    opt.zero_grad()
    F.cross_entropy(net(x[rows]), y[rows]).backward()
    opt.step()
""",
    "training/metric-loss-disagree": """
net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
opt = torch.optim.Adam(net.parameters(), 1e-2)
for rows in batches():
    opt.zero_grad()
    F.binary_cross_entropy_with_logits(net(x[rows])[:, 0], (y[rows] == 0).float()).backward()
    opt.step()
with torch.no_grad():
    guesses = (net(xt) > 0).long()
    right = (guesses if faulty else guesses[:, 0]) == (yt == 0).long()
    print(right.float().mean())
""",
    "data/targets-not-scaled": """
net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 6))
opt = torch.optim.SGD(net.parameters(), 1e-5 if faulty else 1e-2)
boxes = (x[:, :2] * 20 + 600) / (1 if faulty else 100)
for rows in batches():
    opt.zero_grad()
    out = net(x[rows])
    (F.cross_entropy(out[:, :4], y[rows]) + F.mse_loss(out[:, 4:], boxes[rows])).backward()
    opt.step()
""",
    "training/learning-rate-too-low": """
kind = torch.bfloat16 if faulty else torch.float32
net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 4)).to(kind)
opt = torch.optim.Adam(net.parameters(), 2e-5 if faulty else 1e-2)
for rows in batches(24):
    opt.zero_grad()
    F.cross_entropy(net(x[rows].to(kind)).float(), y[rows]).backward()
    opt.step()
""",
}


@pytest.mark.parametrize("code", PROGRAMS)
@pytest.mark.parametrize("case", ["faulty", "right"])
def test_programs(tmp_path: Path, code: str, case: str, capfd: pytest.CaptureFixture[str]) -> None:
    program = tmp_path / "train.py"
    program.write_text(HEAD + PROGRAMS[code], encoding="utf-8")
    visit = run_script(str(program), [case])
    assert visit.status == 0, capfd.readouterr().err
    found = [(one.code, one.severity) for one in visit.findings]
    assert (code in [one for one, _ in found]) == (case == "faulty"), found
    assert case == "faulty" or not [one for one, severity in found if severity == "critical"], found


def test_scores_of_single_classes_tell_their_mode(tmp_path: Path) -> None:
    loop = """
net = nn.Sequential(nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 4))
opt = torch.optim.Adam(net.parameters(), 1e-2)
for rows in batches():
    opt.zero_grad()
    F.cross_entropy(net(x[rows]), y[rows]).backward()
    opt.step()
if not faulty:
    net.eval()
with torch.no_grad():
    scores = net(xt)
    net.train()  # the mode of the outputs counts, not that of the moment at which they are compared
    print([(scores.argmax(1) == c)[yt == c].float().mean() for c in range(4)], (scores.argmax(1) == yt).float().mean())
"""
    for case in ("faulty", "right"):
        assert ("setup/wrong-mode" in found_in(tmp_path, loop, case)) == (case == "faulty")


SPAWNED = """
import sys, torch
import torch.multiprocessing as mp
from torch import nn
from torch.nn import functional as F

def worker(rank, folder, scale):
    torch.manual_seed(0)
    torch.set_num_threads(1)
    net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 4))
    optimizer = torch.optim.Adam(net.parameters(), 1e-2)
    x, y = scale * torch.randn(400, 8), torch.randint(0, 4, (400,))
    for step in range(60):
        rows = torch.randint(0, 400, (20,))
        optimizer.zero_grad()
        F.cross_entropy(net(x[rows]).softmax(1), y[rows]).backward()
        optimizer.step()
    print("rank", rank)

if __name__ == "__main__":
    mp.spawn(worker, args=(sys.argv[1], 1.0), nprocs=2)
"""


def test_processes_that_are_spawned_are_watched_too(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SPAWNED, encoding="utf-8")
    command = [sys.executable, "-m", "convergent", "diagnose", "--json", "found.json", "train.py", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.splitlines()) == ["rank 0", "rank 1"]
    codes = [one["code"] for one in json.loads((tmp_path / "found.json").read_text())["findings"]]
    assert codes.count("setup/output-loss-mismatch") == 1, done.stderr


def runs(shape: Callable[[Tensor], Tensor], steps: int = 400) -> list[float]:
    time = torch.linspace(0, 1, steps)
    return [float(value) for value in shape(time) + 0.01 * torch.sin(40 * time)]


@pytest.mark.parametrize(
    ("shape", "told"),
    [
        (lambda t: 8 - 900 * t, True),
        (lambda t: 1 - 300 * t**2, True),
        (lambda t: 40 - 90 * (1 - (-8 * t).exp()), False),
        (lambda t: 4 * (-5 * t).exp(), False),
        (lambda t: -0.2 - 0.5 * t, False),
        (lambda t: 5 * torch.sin(20 * t), False),
    ],
)
def test_a_loss_that_has_no_best_value_does_not_slow_down(shape: Callable[[Tensor], Tensor], told: bool) -> None:
    one = replace(evidence(), losses=runs(shape), evaluations=[])
    one.experiments.chance_loss = None
    assert ("training/divergence" in [found.code for found in judge(one)]) == told


def test_critics_without_a_bound() -> None:
    for losses, told in ((runs(lambda t: -250 * t**2), True), (runs(lambda t: -2 * (1 - (-9 * t).exp())), False)):
        one = replace(evidence(), losses=losses, evaluations=[], adversarial=True)
        assert ("training/divergence" in [found.code for found in judge(one)]) == told


def test_the_usual_rate_is_neither_that_of_the_end_nor_of_the_warm_up() -> None:
    def rate(step: int) -> float:
        return 0.1 * min(1.0, step / 40) if step < 200 else 0.1 * (1 - (step - 200) / 200) + 1e-9

    one = replace(evidence(), losses=[1.0] * 400, samples=[StepSample(step, 1.0, rate(step)) for step in range(400)])
    assert 0.05 < usual_rate(one) <= 0.1
    assert usual_rate(replace(one, samples=[])) == 0.0
    constant = replace(one, samples=[StepSample(step, 1.0, 0.01) for step in range(0, 400, 16)])
    assert usual_rate(constant) == 0.01


def test_a_schedule_that_is_spent_is_told_where_the_training_is_well_too() -> None:
    steps = [StepSample(step, 1.0, max(1e-9, 0.1 * 10.0 ** -(step // 40))) for step in range(0, 600, 4)]
    one = replace(evidence(), losses=[*evidence().losses, *[0.2] * 480], samples=steps)
    found = {one.code: one.severity for one in judge(one)}
    assert found["training/learning-rate-too-low"] == "info"
    cosine = [
        StepSample(step, 1.0, 0.05 * (1 + torch.cos(torch.tensor(step / 600 * 3.14)).item()))
        for step in range(0, 600, 4)
    ]
    assert "training/learning-rate-too-low" not in [found.code for found in judge(replace(one, samples=cosine))]


def test_an_evaluation_by_another_loss_is_not_compared_with_the_training_loss() -> None:
    from convergent.doctor.evaluations import EvaluationLog, evaluations_of

    log = EvaluationLog()
    for comparable in (True, False):
        log.compare(0, "mse", torch.zeros(9), torch.arange(9.0), False, comparable=comparable)
    log.read()
    losses = [evaluations_of([chunk], set())[0] for chunk in log.chunks]
    assert losses[0].loss is not None and losses[1].loss is None and losses[1].metric is not None


def test_the_first_loss_without_targets_is_judged_by_the_number_of_classes() -> None:
    one = tried(stuck(), initial_loss=125_000.0, chance_loss=None)
    one = replace(one, data=replace(one.data, train=None, valid=None), losses=[125_000.0, *one.losses])
    assert "setup/loss-at-init" in [found.code for found in judge(one)]


def test_pixels_that_are_summed_are_no_first_loss_far_off(tmp_path: Path) -> None:
    loop = """
pictures = torch.rand(400, 60, generator=g).round()
net = nn.Sequential(nn.Linear(60, 16), nn.ReLU(), nn.Linear(16, 60))
opt = torch.optim.Adam(net.parameters(), 1e-2)
for rows in batches():
    opt.zero_grad()
    F.binary_cross_entropy_with_logits(net(pictures[rows]), pictures[rows], reduction="none").sum(1).mean().backward()
    opt.step()
"""
    assert "setup/loss-at-init" not in found_in(tmp_path, loop, "right")


def test_samples_that_are_compared_with_each_other_mix_on_purpose(tmp_path: Path) -> None:
    loop = """
class Pairs(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(8, 16), nn.Linear(8, 16)
    def forward(self, one, other):
        return F.normalize(self.a(one)) @ F.normalize(self.b(other)).T / 0.1
net = Pairs()
opt = torch.optim.Adam(net.parameters(), 1e-2)
for rows in batches():
    opt.zero_grad()
    F.cross_entropy(net(x[rows], x[rows] + 0.1 * torch.randn(20, 8)), torch.arange(20)).backward()
    opt.step()
"""
    assert "setup/samples-mix-in-batch" not in found_in(tmp_path, loop, "right")


def test_few_cells_of_a_grid_that_are_never_found() -> None:
    y = (torch.rand(400, 1, 8, 8, generator=torch.Generator().manual_seed(0)) < 0.02).float()
    one = evidence()
    assert one.data.train is not None
    train = replace(one.data.train, inputs=torch.randn(400, 1, 32, 32), targets=y, hashes=[], total=400)
    loss = call("bce_with_logits", width=1, output_shape=(24, 1, 8, 8), target_shape=(24, 1, 8, 8))
    one = replace(one, data=replace(one.data, train=train, valid=None, loss=loss, num_classes=None))
    for said, severity in ((0, "warning"), (200, "info")):
        seen = evaluation(predicted_counts=[10_000 - said, said], true_counts=[9800, 200])
        found = {one.code: one.severity for one in judge(replace(one, evaluations=[seen]))}
        assert found["data/class-imbalance"] == severity


def test_a_warm_up_that_outlasts_the_training() -> None:
    def run(rate: Callable[[int], float]) -> list[str]:
        steps = [StepSample(step, 1.0, rate(step)) for step in range(0, 120, 4)]
        return [found.code for found in judge(replace(evidence(), samples=steps))]

    assert "training/learning-rate-too-low" in run(lambda step: 3e-4 * (step + 1) / 20_000)
    assert "training/learning-rate-too-low" not in run(lambda step: 3e-4 * min(1.0, (step + 1) / 60))
    assert "training/learning-rate-too-low" not in run(lambda step: 1e-6 * 1.05**step)  # a range test
    assert "training/learning-rate-too-low" not in run(lambda step: 3e-4)


def found_in(tmp_path: Path, loop: str, case: str) -> list[str]:
    program = tmp_path / "train.py"
    program.write_text(HEAD + loop, encoding="utf-8")
    return [one.code for one in run_script(str(program), [case]).findings]


def test_weights_of_samples_that_are_crossed_with_their_losses(tmp_path: Path) -> None:
    loop = """
net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
opt = torch.optim.Adam(net.parameters(), 1e-2)
weight = torch.rand(400, generator=g)
for rows in batches():
    opt.zero_grad()
    losses = F.binary_cross_entropy_with_logits(net(x[rows]), (y[rows] == 0).float()[:, None], reduction="none")
    ((weight[rows] * losses) if faulty else (weight[rows][:, None] * losses)).mean().backward()
    opt.step()
"""
    assert "setup/loss-reduction" in found_in(tmp_path, loop, "faulty")
    assert "setup/loss-reduction" not in found_in(tmp_path, loop, "right")


def test_raw_scores_to_ctc(tmp_path: Path) -> None:
    loop = """
net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 40))
opt = torch.optim.Adam(net.parameters(), 1e-2)
lengths, ones = torch.full((20,), 8), torch.ones(20, dtype=torch.long)
for rows in batches():
    opt.zero_grad()
    scores = net(x[rows]).view(20, 8, 5).transpose(0, 1)
    scores = scores if faulty else scores.log_softmax(-1)
    F.ctc_loss(scores, y[rows][:, None] + 1, lengths, ones).backward()
    opt.step()
"""
    assert "setup/output-loss-mismatch" in found_in(tmp_path, loop, "faulty")
    assert "setup/output-loss-mismatch" not in found_in(tmp_path, loop, "right")


def test_predictions_that_are_compared_outside_of_torch_tell_their_mode(tmp_path: Path) -> None:
    loop = """
net = nn.Sequential(nn.Linear(8, 32), nn.Dropout(0.2), nn.ReLU(), nn.Linear(32, 4))
opt = torch.optim.Adam(net.parameters(), 1e-2)
for rows in batches():
    opt.zero_grad()
    F.cross_entropy(net(x[rows]), y[rows]).backward()
    opt.step()
if not faulty:
    net.eval()
with torch.no_grad():
    print(sum(net(one[None]).argmax(1).item() == label for one, label in zip(xt, yt.tolist())))
"""
    assert "setup/wrong-mode" in found_in(tmp_path, loop, "faulty")
    assert "setup/wrong-mode" not in found_in(tmp_path, loop, "right")


def test_gradients_that_are_accumulated_without_a_mean_make_the_steps_too_large(tmp_path: Path) -> None:
    loop = """
net = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4))
opt = torch.optim.SGD(net.parameters(), 0.2, momentum=0.9)
opt.zero_grad()
for number, rows in enumerate(batches(60), 1):
    loss = F.cross_entropy(net(x[rows]), y[rows])
    (loss if faulty else loss / 16).backward()
    if number % 16 == 0:
        opt.step()
        opt.zero_grad()
"""
    found = found_in(tmp_path, loop, "faulty")
    assert found and found[0] in ("training/learning-rate-too-high", "setup/loss-reduction"), found
    assert "training/learning-rate-too-high" not in found_in(tmp_path, loop, "right")


def test_an_actor_is_not_judged_by_the_targets_of_its_critic(tmp_path: Path) -> None:
    loop = """
class Actor(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Linear(8, 4)
    def forward(self, x):
        return self.net(x).softmax(-1)
critic, actor = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1)), Actor()
opt = torch.optim.Adam([*critic.parameters(), *actor.parameters()], 1e-2)
for rows in batches():
    returns, values = 3 * x[rows].sum(1), critic(x[rows])[:, 0]
    chances = torch.distributions.Categorical(probs=actor(x[rows]))
    policy = -(chances.log_prob(chances.sample()) * (returns - values.detach())).mean()
    loss = policy + (returns - values).square().mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
"""
    assert "setup/output-range" not in found_in(tmp_path, loop, "right")


def test_classes_may_stand_before_the_time(tmp_path: Path) -> None:
    loop = """
tokens = torch.randint(0, 12, (400, 21), generator=g)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb, self.out = nn.Embedding(12, 16), nn.Linear(16, 12)
        self.rnn = nn.GRU(16, 16, batch_first=True, bidirectional=False)
    def forward(self, x):
        hidden = self.rnn(self.emb(x))[0]
        return self.out(hidden + hidden.mean(1, keepdim=True) if faulty else hidden).transpose(1, 2)
net = Net()
opt = torch.optim.Adam(net.parameters(), 1e-2)
for rows in batches():
    opt.zero_grad()
    F.cross_entropy(net(tokens[rows, :-1]), tokens[rows, 1:]).backward()
    opt.step()
"""
    assert "setup/future-leak" in found_in(tmp_path, loop, "faulty")
    assert "setup/future-leak" not in found_in(tmp_path, loop, "right")
