"""The doctor as a callback of Lightning, of Hugging Face's Trainer and of Keras."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from trainings import CLASSES, table

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import lightning.pytorch as lightning
    import transformers

    from convergent.doctor.adapters.huggingface import DoctorCallback as HuggingFaceDoctor
    from convergent.doctor.adapters.lightning import DoctorCallback as LightningDoctor

KERAS = """
import sys
import numpy as np
import keras
from convergent.doctor.adapters.keras import DoctorCallback

fault = sys.argv[1]
keras.utils.set_random_seed(0)
rng = np.random.default_rng(0)
y = rng.integers(4, size=480)
x = (rng.normal(size=(4, 8)) * 1.5)[y] + rng.normal(size=(480, 8))
init = "zeros" if fault == "zeros" else "glorot_uniform"
model = keras.Sequential([
    keras.layers.Input((8,)),
    keras.layers.Dense(32, activation="relu", kernel_initializer=init),
    keras.layers.Dense(4, activation="softmax"),
])
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=fault == "logits")
rate = {"high": 300.0, "low": 1e-7}.get(fault, 0.05)
model.compile(optimizer=keras.optimizers.SGD(rate, momentum=0.9), loss=loss, metrics=["accuracy"])
doctor = DoctorCallback(quiet=True)
model.fit(x, y, epochs=6, batch_size=32, validation_split=0.2, verbose=0, callbacks=[doctor])
print(*[f"{f.code}:{f.severity}" for f in doctor.findings])
"""


class Module(lightning.LightningModule):
    def __init__(self, *, squeeze: bool) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, CLASSES))
        self.squeeze = squeeze

    def loss(self, batch: list[Tensor]) -> Tensor:
        x, y = batch
        logits = self.net(x)
        return nn.functional.cross_entropy(logits.softmax(1) if self.squeeze else logits, y)

    def training_step(self, batch: list[Tensor], index: int) -> Tensor:
        return self.loss(batch)

    def validation_step(self, batch: list[Tensor], index: int) -> None:
        self.loss(batch)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), 3e-3)


class Tabular(nn.Module):
    def __init__(self, *, squeeze: bool) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, CLASSES))
        self.squeeze = squeeze

    def forward(self, x: Tensor, labels: Tensor) -> dict[str, Tensor]:
        logits = self.net(x)
        loss = nn.functional.cross_entropy(logits.softmax(1) if self.squeeze else logits, labels)
        return {"loss": loss, "logits": logits}


def codes(findings: list[Any]) -> list[str]:
    return [f.code for f in findings]


@pytest.mark.parametrize("squeeze", [True, False])
@pytest.mark.filterwarnings("ignore")
def test_lightning(tmp_path: Path, squeeze: bool) -> None:
    torch.manual_seed(0)
    x, y, x_valid, y_valid = table()
    doctor = LightningDoctor(quiet=True)
    trainer = lightning.Trainer(
        max_epochs=6, callbacks=[doctor], logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, default_root_dir=tmp_path, accelerator="cpu",
    )  # fmt: skip
    module = Module(squeeze=squeeze)
    trainer.fit(
        module, DataLoader(TensorDataset(x, y), 32, shuffle=True), DataLoader(TensorDataset(x_valid, y_valid), 80)
    )
    assert ("setup/output-loss-mismatch" in codes(doctor.findings)) is squeeze, doctor.findings
    assert not module.net._forward_hooks
    assert not module.net._forward_pre_hooks


@pytest.mark.parametrize("squeeze", [True, False])
@pytest.mark.filterwarnings("ignore")
def test_hugging_face(tmp_path: Path, squeeze: bool) -> None:
    torch.manual_seed(0)
    x, y, _, _ = table()
    rows = [{"x": a, "labels": b} for a, b in zip(x, y, strict=True)]
    doctor = HuggingFaceDoctor(quiet=True)
    options = transformers.TrainingArguments(
        output_dir=str(tmp_path), num_train_epochs=6, per_device_train_batch_size=32, learning_rate=5e-3,
        report_to=[], save_strategy="no", disable_tqdm=True, use_cpu=True, logging_strategy="no",
    )  # fmt: skip
    model = Tabular(squeeze=squeeze)
    transformers.Trainer(model, options, train_dataset=rows, callbacks=[doctor]).train()
    assert ("setup/output-loss-mismatch" in codes(doctor.findings)) is squeeze, doctor.findings
    assert not [f for f in doctor.findings if f.severity == "critical" and not squeeze]
    assert not model._forward_hooks


@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        ("logits", {"setup/output-loss-mismatch"}),
        ("high", {"training/learning-rate-too-high", "training/divergence", "training/non-finite"}),
        ("low", {"training/learning-rate-too-low", "training/slow-convergence"}),
        ("zeros", {"setup/bad-initialization"}),
        ("none", set()),
    ],
)
def test_keras_on_torch(fault: str, wanted: set[str]) -> None:
    environment = os.environ | {"KERAS_BACKEND": "torch", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", KERAS, fault], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = dict(part.rsplit(":", 1) for part in done.stdout.split())
    if wanted:
        assert wanted & set(list(found)[:3]), done.stdout
    else:
        assert "critical" not in found.values(), done.stdout
