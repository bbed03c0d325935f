"""The doctor in Hugging Face's Trainer: `Trainer(..., callbacks=[DoctorCallback()])`."""

from __future__ import annotations

from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from convergent.doctor.attach import attach
from convergent.doctor.diagnose import diagnose
from convergent.doctor.show import as_text
from convergent.doctor.watch import Watch
from convergent.types import Finding


class DoctorCallback(TrainerCallback):
    """Watches `Trainer.train` and says at its end what is wrong with it; `findings` holds it, causes first.

    quiet  print nothing
    The Trainer tells callbacks nothing of an error: call `close` where `train` raised one.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self.findings: list[Finding] = []
        self._quiet = quiet
        self._watch: Watch | None = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Connect the doctor."""
        self.close()
        self._watch = Watch(sees_backward=False)
        attach(self._watch)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Examine what was seen, and print the findings in the first process."""
        self.close()
        if state.is_world_process_zero and not self._quiet:
            print(as_text(self.findings))

    def close(self) -> None:
        """Take everything off, and examine what was seen until here."""
        if self._watch is not None and not self._watch.closed:
            self._watch.close()
            self.findings = diagnose(self._watch)
