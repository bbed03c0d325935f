"""A finished run in the hands of its user: evaluate, predict, report. Prediction needs RUN/model/ alone."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from torch import nn

from convergent.config import Config, make_config, nearest
from convergent.data.source import is_table, is_text, open_source
from convergent.engine.evaluate import outputs_of
from convergent.engine.threads import free_threads
from convergent.metrics import bootstrap_interval
from convergent.report.page import write_report
from convergent.screen import Say, say_on_stderr
from convergent.task import Task, final_judge, find_task
from convergent.types import DataSpec, Samples, Sampling, UserError

MODEL_VERSION = 1
LIMITS = {
    "max_tokens": "it must be 1 or more",
    "temperature": "it must be 0 or more",
    "top_k": "it must be 1 or more",
    "top_p": "it must be above 0 and at most 1",
}


class Run:
    """A run folder, or the `model` folder of one that was moved elsewhere.

    Raises UserError where the folder holds no trained network that this version can read.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        inner = self.folder / "model"
        self.model_folder = inner if inner.is_dir() else self.folder
        stored = _read_model_json(self.model_folder)
        try:
            self.spec = DataSpec.model_validate(stored["spec"])
            self.config = Config.model_validate(stored["config"])
        except (KeyError, ValidationError) as error:
            raise UserError(f"{self.model_folder}/model.json: is damaged ({str(error).splitlines()[0]}).") from None
        self.task: Task = find_task(str(self.config.task))
        self._model: nn.Module | None = None

    @property
    def result(self) -> dict[str, Any]:
        """Return RUN/result.json; raises UserError where the run has not finished or only the model was moved."""
        path = self.folder / "result.json"
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise UserError(f"{path}: there is no result. `convergent resume {self.folder}` finishes a run.") from None
        return content

    @property
    def model(self) -> nn.Module:
        """Return the network with its best weights, in eval mode, on the CPU."""
        if self._model is None:
            model = self.task.build(self.spec, self.config.model_copy(update={"pretrained": None}))
            path = self.model_folder / "weights.safetensors"
            try:
                model.load_state_dict(safetensors.torch.load_file(path))
            except (OSError, SafetensorError, RuntimeError) as error:
                raise UserError(f"{path}: cannot be read ({str(error).splitlines()[0]}).") from None
            self._model = model.eval()
        return self._model

    def read(self, data: str, say: Say = say_on_stderr) -> Samples:
        """Return new data, prepared by the statistics of the training; what was left out or ignored is said.

        Of a task on texts, what has blanks and is no path is a text itself.
        """
        if self.task.of_text is not None and is_text_itself(data):
            samples = self.task.of_text(data, self.spec, self.config)
        else:
            samples = self.task.read(open_source(data), self.spec, self.config)
        for refusal in samples.refused:
            say(f"{data}: {refusal.where} left out: {refusal.reason}")
        for note in samples.notes:
            say(f"{data}: {note}")
        return samples

    def predict(self, inputs: str | Sequence[str], **sampling: Any) -> list[dict[str, Any]]:
        """Return a dictionary a sample of each input (a file, a folder, a table ...), with its `input` name.

        A language model takes texts, and `sampling` as `convergent.types.Sampling` names it.
        Raises UserError for what cannot be read.
        """
        if self.task.respond is not None:
            texts = [inputs] if isinstance(inputs, str) else list(inputs)
            return [{"input": text, "text": "".join(self.respond(text, **sampling))} for text in texts]
        if sampling:
            raise UserError(f"{self.task.name} writes no text: it takes no {', '.join(sampling)}.")
        answers = []
        for address in [inputs] if isinstance(inputs, str) else inputs:
            samples = self.read(str(address))
            outputs, _ = self._outputs(samples)
            decoded = self.task.decode(outputs, self.spec)
            answers += [{"input": samples.name(i), **answer} for i, answer in enumerate(decoded)]
        return answers

    def with_beam(self, width: int) -> Run:
        """Return the run with another width of its beam search; raises UserError where it searches for nothing."""
        if self.config.beam is None:
            raise UserError(f"{self.task.name} searches for nothing: it takes no beam.")
        changed = Run(self.folder)
        changed.config = make_config(self.config.model_dump(), beam=width)
        return changed

    def respond(self, text: str, **sampling: Any) -> Iterator[str]:
        """Yield the pieces of the answer to a text, of a task that answers texts.

        Raises UserError where the task takes data instead.
        """
        if self.task.respond is None:
            raise UserError(f"{self.task.name} answers no texts: give it data.")
        torch.set_num_threads(free_threads())
        yield from self.task.respond(self.model, self.spec, self.config, text, make_sampling(**sampling))

    def evaluate(self, data: str | None = None) -> dict[str, Any]:
        """Return metrics, interval and baseline on labelled `data`; without data, those of the run's own splits.

        Raises UserError where the data has no targets.
        """
        if data is None:
            return {key: self.result[key] for key in ("metric", "valid", "test", "baseline") if key in self.result}
        samples = self.read(str(data))
        outputs, targets = self._outputs(samples)
        missing = targets.isnan() if targets.is_floating_point() else targets < 0
        unknown = int(missing.flatten(1).all(1).sum() if missing.ndim > 1 else missing.sum())
        if unknown:
            raise UserError(
                f"{data}: {unknown} of {len(targets)} samples have no known {self.spec.target}. "
                "Evaluation needs labelled data; `convergent predict` does not."
            )
        metric = self.task.metric(self.spec)
        scores: dict[str, Any] = dict(self.task.metrics(outputs, targets, self.spec))
        scores["interval"] = bootstrap_interval(metric, metric.contribution(outputs, targets))
        baseline = self.task.baseline(targets, self.spec)
        return {
            "data": str(data),
            "samples": len(samples),
            "metric": metric.name,
            "scores": scores,
            "baseline": baseline,
        }

    def report(self) -> Path:
        """Write RUN/report.html anew and return its path."""
        return write_report(self.folder)

    def _outputs(self, samples: Samples) -> tuple[torch.Tensor, torch.Tensor]:
        torch.set_num_threads(free_threads())
        return outputs_of(self.model, samples, 256, torch.device("cpu"), judge=final_judge(self.task))


def make_sampling(**given: Any) -> Sampling:
    """Return how to write from what was given; raises UserError for an unknown name or a value that has no meaning.

    >>> make_sampling(top_k=5).top_k
    5
    """
    unknown = [name for name in given if name not in Sampling._fields]
    if unknown:
        raise UserError(f"unknown option `{unknown[0]}`.{nearest(unknown[0], list(Sampling._fields))}")
    sampling = Sampling(**given)
    wrong = [
        name
        for name, holds in (
            ("max_tokens", sampling.max_tokens >= 1),
            ("temperature", 0 <= sampling.temperature < math.inf),
            ("top_k", sampling.top_k is None or sampling.top_k >= 1),
            ("top_p", sampling.top_p is None or 0 < sampling.top_p <= 1),
        )
        if not holds
    ]
    if wrong:
        raise UserError(f"{wrong[0]} cannot be {getattr(sampling, wrong[0])}: {LIMITS[wrong[0]]}.")
    return sampling


def is_text_itself(words: str) -> bool:
    """Return whether an input is a text rather than an address: nothing lies there, and it does not look like one.

    >>> is_text_itself("what a film"), is_text_itself("my films.csv"), is_text_itself("sample:sms")
    (True, False, False)
    """
    address = words.strip()
    path = Path(address)
    try:
        if path.expanduser().exists():
            return False
    except (OSError, ValueError, RuntimeError):  # longer than any path, or with characters that none has
        return True
    if is_table(path) or is_text(path):
        return False
    return any(map(str.isspace, address)) or not any(mark in address.rstrip(".!?") for mark in "/\\:*.")


def _read_model_json(folder: Path) -> dict[str, Any]:
    path = folder / "model.json"
    try:
        stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(
            f"{folder}: holds no trained network (no model.json). Give the folder of a finished run."
        ) from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read ({error}).") from None
    if stored.get("version", 0) > MODEL_VERSION:
        raise UserError(
            f"{path}: was made by a newer version of Convergent (format {stored['version']}, this one reads up to "
            f"{MODEL_VERSION}). Install the newer version."
        )
    return stored


def load(folder: str | Path) -> Run:
    """Return the finished run in `folder`; raises UserError where there is none."""
    return Run(folder)
