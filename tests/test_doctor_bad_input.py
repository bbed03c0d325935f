"""What the doctor must bear: it never changes the training, never crashes it, and takes all its hooks off."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import convergent as cv
from convergent.doctor.probe import Probe
from convergent.types import UserError
from trainings import CLASSES, table


def net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, CLASSES))


def hooks(model: nn.Module) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())


def state(model: nn.Module) -> list[Tensor]:
    return [*(value.clone() for value in model.state_dict().values()), torch.get_rng_state()]


def compare(train: Callable[[nn.Module, cv.Doctor | None], None], make: Callable[[], nn.Module] = net) -> cv.Doctor:
    """Train with and without the doctor, hold weights and generators equal, and return the doctor."""
    ends = []
    watching: cv.Doctor | None = None
    for watched in (False, True):
        torch.manual_seed(0)
        model = make()
        if watched:
            watching = cv.Doctor(model)
            train(model, watching)
            watching.close()
            assert watching._watch.failure is None
            assert hooks(model) == 0
        else:
            train(model, None)
        ends.append(state(model))
    assert all(torch.equal(one, other) for one, other in zip(*ends, strict=True))
    assert watching is not None
    return watching


def watch_step(doctor: cv.Doctor | None, *optimizers: torch.optim.Optimizer) -> None:
    if doctor is not None:
        for optimizer in optimizers:
            doctor._watch.add_optimizer(optimizer)


def critical(doctor: cv.Doctor) -> list[str]:
    return [f.code for f in doctor.findings if f.severity == "critical"]


def test_a_loop_that_never_calls_backward() -> None:
    x, y, _, _ = table()

    def train(model: nn.Module, doctor: cv.Doctor | None) -> None:
        for rows in torch.randperm(len(x)).split(32):
            F.cross_entropy(model(x[rows]), y[rows])

    compare(train)


def test_a_model_without_parameters_is_refused() -> None:
    with pytest.raises(UserError, match="no parameters"):
        cv.Doctor(nn.ReLU())


def test_a_closure() -> None:
    x, y, _, _ = table()

    def train(model: nn.Module, doctor: cv.Doctor | None) -> None:
        optimizer = torch.optim.LBFGS(model.parameters(), lr=0.3, max_iter=5)
        watch_step(doctor, optimizer)

        def closure() -> float:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            return float(loss.detach())

        for _ in range(6):
            optimizer.step(closure)

    assert not critical(compare(train))


def test_an_evaluation_in_inference_mode_after_the_first_step() -> None:
    torch.manual_seed(0)
    model = nn.Linear(4, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    x, y = torch.randn(16, 4), torch.randint(2, (16,))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # that the doctor stepped aside
        with cv.Doctor(model, optimizer) as doctor:
            for _ in range(3):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(x), y)
                loss.backward()
                optimizer.step()
                with torch.inference_mode():
                    model(x)
    assert len(doctor._watch.probes[0].finish().losses) == 3


def test_several_optimisers_share_a_step() -> None:
    x, y, _, _ = table()

    def train(model: nn.Module, doctor: cv.Doctor | None) -> None:
        parameters = list(model.parameters())
        first = torch.optim.SGD(parameters[:2], lr=0.05, momentum=0.9)
        second = torch.optim.Adam(parameters[2:], lr=3e-3)
        watch_step(doctor, first, second)
        for _ in range(8):
            for rows in torch.randperm(len(x)).split(32):
                first.zero_grad()
                second.zero_grad()
                F.cross_entropy(model(x[rows]), y[rows]).backward()
                first.step()
                second.step()

    doctor = compare(train)
    assert doctor._watch.probes[0].step == 8 * 15
    assert not critical(doctor)


def test_accumulation_with_autocast_and_a_scaler() -> None:
    x, y, _, _ = table()

    def train(model: nn.Module, doctor: cv.Doctor | None) -> None:
        optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
        watch_step(doctor, optimizer)
        scaler = torch.amp.GradScaler("cpu", init_scale=256.0)
        for _ in range(8):
            for index, rows in enumerate(torch.randperm(len(x)).split(16)):
                with torch.autocast("cpu", torch.bfloat16):
                    loss = F.cross_entropy(model(x[rows]), y[rows]) / 2
                scaler.scale(loss).backward()
                if index % 2:
                    scaler.unscale_(optimizer)
                    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                    scaler.step(optimizer)
                    scaler.update()
                    optimizer.zero_grad()

    assert not critical(compare(train))


def test_wrapped_in_data_parallel() -> None:
    x, y, _, _ = table()

    def train(model: nn.Module, doctor: cv.Doctor | None) -> None:
        optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
        watch_step(doctor, optimizer)
        for _ in range(4):
            for rows in torch.randperm(len(x)).split(32):
                optimizer.zero_grad()
                F.cross_entropy(model(x[rows]), y[rows]).backward()
                optimizer.step()

    assert not critical(compare(train, lambda: nn.DataParallel(net())))


@pytest.mark.filterwarnings("ignore")
def test_a_compiled_model() -> None:
    x, y, _, _ = table()

    def train(model: nn.Module, doctor: cv.Doctor | None) -> None:
        optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
        watch_step(doctor, optimizer)
        for _ in range(3):
            for rows in torch.randperm(len(x)).split(32):
                optimizer.zero_grad()
                F.cross_entropy(model(x[rows]), y[rows]).backward()
                optimizer.step()

    doctor = compare(train, lambda: torch.compile(net(), backend="eager"))  # type: ignore[arg-type,return-value]
    assert doctor._watch.probes[0].step == 45
    assert not critical(doctor)


class Complex(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(8, CLASSES, dtype=torch.complex64) * 0.1)

    def forward(self, x: Tensor) -> Tensor:
        return (x.to(torch.complex64) @ self.weight).abs()


class Words(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(50, 16, sparse=True)
        self.head = nn.Linear(16, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.table((x.abs() * 10).long().clamp(0, 49)).mean(1))
        return out


@pytest.mark.parametrize("make", [Complex, Words])
def test_complex_numbers_and_sparse_gradients(make: Callable[[], nn.Module]) -> None:
    x, y, _, _ = table()

    def train(model: nn.Module, doctor: cv.Doctor | None) -> None:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        watch_step(doctor, optimizer)
        for _ in range(3):
            for rows in torch.randperm(len(x)).split(32):
                optimizer.zero_grad()
                F.cross_entropy(model(x[rows]), y[rows]).backward()
                optimizer.step()

    compare(train, make)


def test_double_backward() -> None:
    x, y, _, _ = table()

    def train(model: nn.Module, doctor: cv.Doctor | None) -> None:
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        watch_step(doctor, optimizer)
        for _ in range(3):
            for rows in torch.randperm(len(x)).split(32):
                inputs = x[rows].requires_grad_()
                loss = F.cross_entropy(model(inputs), y[rows])
                (slope,) = torch.autograd.grad(loss, inputs, create_graph=True)
                optimizer.zero_grad()
                (loss + 0.1 * slope.pow(2).sum()).backward()
                optimizer.step()

    assert not critical(compare(train))


def test_an_error_of_ours_becomes_one_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(Probe, "before_step", broken)
    x, y, _, _ = table()
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with cv.Doctor(model, optimizer) as doctor:
            for rows in torch.randperm(len(x)).split(32):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(x[rows]), y[rows])
                loss.backward()
                optimizer.step()
                doctor.step(loss)
    assert [str(w.message) for w in seen] == ["the doctor stepped aside: ZeroDivisionError: ours"]
    assert hooks(model) == 0
    assert not optimizer._optimizer_step_pre_hooks


LOOP = """
import os, sys, time
import torch
from torch import nn
torch.manual_seed(0)
x = torch.randn(320, 8)
y = (x[:, 0] > 0).long()
model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(4):
    for rows in torch.randperm(320).split(32):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
print("the script's own words", sys.argv[1:])
"""


def diagnose(tmp_path: Path, ending: str, *words: str) -> subprocess.CompletedProcess[str]:
    script = tmp_path / "train.py"
    script.write_text(LOOP + ending)
    command = [
        sys.executable,
        "-m",
        "convergent",
        "diagnose",
        "--json",
        str(tmp_path / "out.json"),
        str(script),
        *words,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        ("", 0),
        ("sys.exit(7)", 7),
        ("sys.exit('no more')", 1),
        ("raise RuntimeError('crashed')", 1),
        ("if os.fork() == 0:\n    os._exit(0)\nos.wait()", 0),
        ("if os.fork() == 0:\n    sys.exit(0)\nos.wait()", 0),
    ],
)
def test_a_script_keeps_its_words_and_its_status(tmp_path: Path, ending: str, status: int) -> None:
    done = diagnose(tmp_path, ending, "--lr", "3")
    assert done.returncode == status, done.stderr
    assert done.stdout == "the script's own words ['--lr', '3']\n"
    assert done.stderr.count("The doctor found") == 1
    assert (tmp_path / "out.json").read_text().startswith('{\n "script"')
    assert ("crashed" in done.stderr) is ("crashed" in ending)
    assert "runpy" not in done.stderr


def test_a_script_that_is_interrupted(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(LOOP + "print('ready', flush=True)\ntime.sleep(60)")
    command = [sys.executable, "-m", "convergent", "diagnose", str(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while process.stdout.readline() != "ready\n":
            assert process.poll() is None
        time.sleep(0.2)
        os.kill(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "The doctor found" in said


def test_a_script_that_trains_nothing(tmp_path: Path) -> None:
    script = tmp_path / "hello.py"
    script.write_text("print('hello')")
    command = [sys.executable, "-m", "convergent", "diagnose", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "saw no training" in done.stderr


def test_lazy_layers(tmp_path: Path) -> None:
    model = nn.Sequential(nn.LazyConv2d(4, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(3))
    images, labels = torch.rand(64, 1, 6, 6), torch.randint(3, (64,))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Lazy modules")
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        with cv.Doctor(model, optimizer) as doctor:
            for _ in range(20):
                loss = nn.functional.cross_entropy(model(images), labels)
                loss.backward()
                optimizer.step()
                optimizer.zero_grad()
                doctor.step(loss)
    assert doctor._watch.failure is None
    evidence = doctor._watch.probes[0].evidence
    assert len(evidence.layers) >= 2 and evidence.num_parameters == sum(p.numel() for p in model.parameters())


def test_a_model_whose_optimiser_holds_another(tmp_path: Path) -> None:
    script = tmp_path / "folds.py"
    script.write_text(
        "import torch\nfrom torch import nn\nfrom torch.nn import functional as F\n"
        "x, y = torch.randn(90, 5), torch.randint(3, (90,))\noptimizer = None\n"
        "for fold in range(3):\n"
        "    model = nn.Linear(5, 3)\n"
        "    optimizer = optimizer or torch.optim.Adam(model.parameters())\n"
        "    for _ in range(30):\n"
        "        optimizer.zero_grad()\n"
        "        F.cross_entropy(model(x), y).backward()\n"
        "        optimizer.step()\n"
    )
    command = [sys.executable, "-m", "convergent", "diagnose", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    assert "could not look at" not in done.stderr, done.stderr
