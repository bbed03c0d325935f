"""Who is timed: the same network, batches, loss and optimiser in a bare loop, in ours and in the peers'.

    python contestants.py NAME NETWORK

Started by `workers.Worker`; speaks to it through a Gate. Peers run with their progress bars, loggers and checkpoints
off; ours runs with its journal and its live display on, as it does for everybody.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

from networks import SHAPES, make_data, make_keras, make_network
from workers import Gate

LEARNING_RATE = 1e-3
WEIGHT_DECAY = 0.01
NEVER = 10**9


def adamw(model: nn.Module, **options: Any) -> torch.optim.AdamW:
    """Return the optimiser that all of torch's contestants use."""
    return torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY, **options)


def update(model: nn.Module, optimizer: torch.optim.Optimizer, inputs: Tensor, targets: Tensor) -> None:
    """Take one step, written as in torch's tutorials."""
    optimizer.zero_grad()
    cross_entropy(model(inputs), targets).backward()
    optimizer.step()


def bare(network: str, gate: Gate, fused: bool = False) -> None:
    """Train with a loop written by hand, batches gathered by index."""
    shape, model = SHAPES[network], make_network(network)
    inputs, targets = make_data(network, shape.steps)
    optimizer = adamw(model, fused=fused)
    gate.ready()
    while True:
        order = torch.randperm(len(inputs))
        for rows in order.split(shape.batch_size):
            update(model, optimizer, inputs[rows], targets[rows])
            gate.step()


def bare_fused(network: str, gate: Gate) -> None:
    """Train with the loop written by hand, and AdamW as one kernel."""
    bare(network, gate, fused=True)


def make_loader(network: str) -> DataLoader[tuple[Tensor, ...]]:
    """Return torch's DataLoader over the data, in this process."""
    shape = SHAPES[network]
    return DataLoader(TensorDataset(*make_data(network, shape.steps)), shape.batch_size, shuffle=True)


def bare_loader(network: str, gate: Gate) -> None:
    """Train with the loop written by hand, batches from torch's DataLoader."""
    model = make_network(network)
    optimizer, loader = adamw(model), make_loader(network)
    while True:
        for inputs, targets in loader:
            update(model, optimizer, inputs, targets)
            gate.step()


def ours(network: str, gate: Gate, plan: str = "off") -> None:
    """Train with Convergent; evaluations and checkpoints, which are no part of a step, are put off."""
    import convergent as cv

    class Watch:
        """The gate as an observer."""

        def after_backward(self, step: int) -> None:
            """Do nothing."""

        def after_step(self, record: Any) -> None:
            """Note the step."""
            gate.step()

        def after_evaluation(self, record: Any) -> None:
            """Do nothing."""

    class Told(cv.Trainer):
        """The trainer, which tells the plan that it chose."""

        def _plan(self, *arguments: Any) -> Any:
            start = time.perf_counter()
            record = super()._plan(*arguments)
            table = [candidate.model_dump() for candidate in record.candidates]
            gate.say(plan=record.chosen.label(), plan_seconds=time.perf_counter() - start, candidates=table)
            gate.say(precision=record.chosen.precision)
            gate.born = time.perf_counter()
            return record

    shape = SHAPES[network]
    data = make_data(network, shape.steps)
    valid = tuple(tensor[: shape.batch_size] for tensor in data)
    with tempfile.TemporaryDirectory() as folder:
        trainer = Told(
            make_network(network), loss=cross_entropy, observers=[Watch()], plan=plan, optimizer="adamw",
            learning_rate=LEARNING_RATE, weight_decay=WEIGHT_DECAY, batch_size=shape.batch_size,
            max_steps=shape.expected_steps, evaluate_every=NEVER, checkpoint_every=NEVER, out=folder,
        )  # fmt: skip
        trainer.fit(data, valid)


def ours_planned(network: str, gate: Gate) -> None:
    """Train with Convergent and the plan that it measures."""
    ours(network, gate, plan="auto")


def skorch(network: str, gate: Gate) -> None:
    """Train with skorch."""
    from skorch import NeuralNetClassifier
    from skorch.callbacks import Callback

    class Watch(Callback):
        """The gate as a callback."""

        def on_batch_end(self, net: Any, **others: Any) -> None:
            """Note the step."""
            gate.step()

    shape = SHAPES[network]
    inputs, targets = make_data(network, shape.steps)
    net = NeuralNetClassifier(
        make_network(network), criterion=nn.CrossEntropyLoss, optimizer=torch.optim.AdamW, lr=LEARNING_RATE,
        optimizer__weight_decay=WEIGHT_DECAY, batch_size=shape.batch_size, iterator_train__shuffle=True,
        train_split=None, verbose=0, max_epochs=NEVER, callbacks=[("gate", Watch())],
    )  # fmt: skip
    net.fit(inputs, targets)


def lightning(network: str, gate: Gate) -> None:
    """Train with Lightning."""
    import lightning as pl

    class Module(pl.LightningModule):
        """The network, its loss and its optimiser."""

        def __init__(self) -> None:
            super().__init__()
            self.network = make_network(network)

        def training_step(self, batch: Any, index: int) -> Tensor:
            """Return the loss."""
            return cross_entropy(self.network(batch[0]), batch[1])

        def configure_optimizers(self) -> torch.optim.Optimizer:
            """Return AdamW."""
            return adamw(self.network)

    class Watch(pl.Callback):
        """The gate as a callback."""

        def on_train_batch_end(self, *others: Any) -> None:
            """Note the step."""
            gate.step()

    trainer = pl.Trainer(
        max_epochs=NEVER, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, callbacks=[Watch()],
    )  # fmt: skip
    trainer.fit(Module(), make_loader(network))


def keras(network: str, gate: Gate) -> None:
    """Train with Keras on the backend that KERAS_BACKEND names; a block is an epoch."""
    from keras.callbacks import Callback

    class Watch(Callback):
        """The gate as a callback. A callback for each batch would cost Keras its speed on JAX."""

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            """Note the block."""
            gate.block()

    shape = SHAPES[network]
    inputs, targets = (tensor.numpy() for tensor in make_data(network, shape.steps))
    if inputs.ndim == 4:
        inputs = inputs.transpose(0, 2, 3, 1).copy()
    model = make_keras(network)
    model.fit(inputs, targets, batch_size=shape.batch_size, epochs=NEVER, verbose=0, callbacks=[Watch()])


CONTESTANTS: dict[str, Callable[[str, Gate], None]] = {
    "bare": bare,
    "bare-fused": bare_fused,
    "bare-loader": bare_loader,
    "ours": ours,
    "ours-planned": ours_planned,
    "skorch": skorch,
    "lightning": lightning,
    "keras-torch": keras,
    "keras-tensorflow": keras,
    "keras-jax": keras,
}
LABELS = {
    "bare": "bare loop",
    "bare-fused": "bare loop, fused AdamW",
    "bare-loader": "bare loop, DataLoader",
    "ours": "Convergent, plan off",
    "ours-planned": "Convergent, plan auto",
    "skorch": "skorch",
    "lightning": "Lightning",
    "keras-torch": "Keras on torch",
    "keras-tensorflow": "Keras on TensorFlow",
    "keras-jax": "Keras on JAX",
}


def environment(name: str) -> dict[str, str]:
    """Return what a contestant's process finds in its environment besides ours."""
    if name.startswith("keras-"):
        return {"KERAS_BACKEND": name.removeprefix("keras-"), "TF_CPP_MIN_LOG_LEVEL": "3"}
    # Rich draws the live display though standard error is no terminal here.
    return {"TTY_COMPATIBLE": "1", "TTY_INTERACTIVE": "1", "FORCE_COLOR": "1"} if name.startswith("ours") else {}


def main() -> None:
    """Be the contestant that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=CONTESTANTS)
    parser.add_argument("network", choices=SHAPES)
    chosen = parser.parse_args()
    CONTESTANTS[chosen.name](chosen.network, Gate(SHAPES[chosen.network].steps))


if __name__ == "__main__":
    main()
