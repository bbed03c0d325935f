"""The doctor in Keras 3, on every backend: `model.fit(..., callbacks=[DoctorCallback()])`.

It sees losses, metrics, weights and the compiled loss, and on the torch backend gradients; under JAX weights come back
from the device at the end of an epoch only, so steps are not looked at there.
"""

from __future__ import annotations

from typing import Any

import keras

from convergent.doctor.adapters.keras_model import gradients_of, layers_of, loss_of, weights_of
from convergent.doctor.diagnose import judge
from convergent.doctor.ledger import Ledger
from convergent.doctor.show import as_text
from convergent.types import Finding


class DoctorCallback(keras.callbacks.Callback):  # type: ignore[misc]
    """Watches a fit and says at its end what is wrong with it; `findings` holds it, causes first."""

    def __init__(self, *, quiet: bool = False) -> None:
        super().__init__()
        self.findings, self._quiet = list[Finding](), quiet

    def on_train_begin(self, logs: Any = None) -> None:
        """Describe the model."""
        self._backend = keras.backend.backend()
        self._ledger = Ledger(self.model.name, layers_of(self.model), type(self.model.optimizer).__name__)
        self._ledger.set_loss(*loss_of(self.model))

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Begin a new running mean, as Keras does."""
        self._seen, self._sum = 0, 0.0

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Keep the weights of a step that is to be looked at."""
        if self._ledger.wants_weights and self._backend != "jax":
            self._ledger.before_step(weights_of(self.model))

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Take the step: its loss is what it added to the epoch's mean."""
        looked = self._ledger.wants_weights and self._backend != "jax"
        total = float(logs["loss"]) * (batch + 1)
        loss, self._seen, self._sum = (total - self._sum) / max(1, batch + 1 - self._seen), batch + 1, total
        gradients = gradients_of(self.model) if looked and self._backend == "torch" else {}
        rate = float(self.model.optimizer.learning_rate) if looked else 0.0
        self._ledger.after_step(loss, rate, weights_of(self.model) if looked else {}, gradients)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Take the validation figures."""
        if logs and "val_loss" in logs:
            self._ledger.evaluation(float(logs["val_loss"]), logs.get("val_accuracy"))

    def on_train_end(self, logs: Any = None) -> None:
        """Judge what was seen, and print it."""
        self.findings = judge(self._ledger.evidence)
        if not self._quiet:
            print(as_text(self.findings))
