"""The doctor in Lightning: `Trainer(callbacks=[DoctorCallback()])` for `lightning` 2 and later."""

from __future__ import annotations

from lightning.pytorch import Callback, LightningModule, Trainer

from convergent.doctor.attach import attach
from convergent.doctor.diagnose import diagnose
from convergent.doctor.show import as_text
from convergent.doctor.watch import Watch
from convergent.types import Finding


class DoctorCallback(Callback):
    """Watches a fit and says at its end what is wrong with it; `findings` holds it, causes first.

    quiet  print nothing
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self.findings: list[Finding] = []
        self._quiet = quiet
        self._watch: Watch | None = None

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Connect the doctor."""
        self._watch = Watch(sees_backward=False)
        attach(self._watch)

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Examine what was seen, and print the findings in the first process."""
        self._finish(trainer)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Say what led to the error; Lightning goes on to raise it."""
        self._finish(trainer)

    def _finish(self, trainer: Trainer) -> None:
        if self._watch is None or self._watch.closed:
            return
        self._watch.close()
        self.findings = diagnose(self._watch)
        if trainer.is_global_zero and not self._quiet:
            print(as_text(self.findings))
