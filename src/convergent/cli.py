"""The verbs of the command line. Every option of a training is a field of the one schema in config.py.

Exit status: 0 done; 1 done, and what was asked does not hold; 2 refused, with one line that says what is wrong, where,
and how to mend it; 130 interrupted, with the checkpoint saved.
"""

from __future__ import annotations

import argparse
import errno
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from convergent import __version__
from convergent.config import Config, nearest
from convergent.types import UserError

Arguments = argparse.Namespace
SAMPLING: tuple[tuple[str, Callable[[str], float], str], ...] = (
    ("max_tokens", int, "tokens that a language model writes at most (default: 200)"),
    ("temperature", float, "0 always writes the likeliest token; 1 as the network has learned (default: 0.8)"),
    ("top_k", int, "write only tokens among the N likeliest"),
    ("top_p", float, "write only the likeliest tokens that together have the probability N"),
    ("seed", int, "another number, another text (default: 0)"),
)
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
EXAMPLES = """examples:
  convergent train sample:fashion
  convergent train photos/ --time-limit 600
  convergent train houses.csv --target price
  convergent predict runs/photos-1 new.jpg
  convergent predict runs/emma-1 "It was a" --max-tokens 300
"""


class Parser(argparse.ArgumentParser):
    """argparse, with errors as UserError that name the nearest known option."""

    def error(self, message: str) -> NoReturn:
        """Raise the message as UserError instead of printing a usage."""
        raise UserError(f"{message}. `{self.prog} --help` lists what there is.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    diagnosing = words[:1] == ["diagnose"] and not {"-h", "--help"} & set(words[1:2])
    debug = "--debug" in words and not diagnosing
    # Threads that wait by spinning make two runs on the same cores slow each other many times over.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        if diagnosing:
            return diagnose(*diagnose_words(words[1:]))
        chosen = parse([word for word in words if word != "--debug"])
        return int(VERBS[chosen.verb](chosen))
    except UserError as error:
        if debug:
            raise
        print(f"convergent: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115  (whoever read the output has gone)
        return 0
    except OSError as error:
        if debug or error.errno not in FULL:
            raise
        print(f"convergent: {error.filename or 'a file'}: the disk is full. Make room and try again.", file=sys.stderr)
        return 2


def parse(words: list[str]) -> Arguments:
    """Return the parsed command line; raises UserError for what it does not know."""
    parser = make_parser()
    chosen, unknown = parser.parse_known_args(words)
    if chosen.verb is None:
        parser.print_help()
        raise SystemExit(0)
    if unknown:
        known = [flag(name) for name in Config.model_fields] if chosen.verb in ("train", "check") else []
        raise UserError(f"unknown option `{unknown[0]}`.{nearest(unknown[0].split('=')[0], known)}")
    return chosen


def flag(name: str) -> str:
    """Return a field's name as it is written on the command line.

    >>> flag("batch_size")
    '--batch-size'
    """
    return "--" + name.replace("_", "-")


def make_parser() -> Parser:
    """Return the parser of all verbs."""
    parser = Parser(
        prog="convergent",
        description="Train the right network for your data with the field's best practice, and see how good it is.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"convergent {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", parser_class=Parser)

    def verb(name: str, text: str) -> Parser:
        made: Parser = verbs.add_parser(name, help=text, description=text, allow_abbrev=False)
        made.epilog = "--debug shows the traceback of an error."
        return made

    train = verb("train", "train a network on a folder, a file or sample:NAME")
    train.add_argument("data", metavar="DATA")
    train.add_argument("--config", metavar="FILE.yaml", help="options from a YAML file; those given here override it")
    add_options(train, list(Config.model_fields))
    verb("resume", "go on with a run that was interrupted").add_argument("run", metavar="RUN")
    evaluate = verb("evaluate", "score a finished run on its own splits or on other labelled data")
    evaluate.add_argument("run", metavar="RUN")
    evaluate.add_argument("data", metavar="DATA", nargs="?")
    evaluate.add_argument("--json", action="store_true", help="print JSON")
    predict = verb("predict", "predict for files, folders or tables; translate, or write on from a text")
    predict.add_argument("run", metavar="RUN")
    predict.add_argument("inputs", metavar="INPUT", nargs="+")
    for name, kind, text in SAMPLING:
        predict.add_argument(flag(name), type=kind, help=text, metavar="N", default=argparse.SUPPRESS)
    predict.add_argument("--beam", metavar="N", help="translations followed at once; 1 is greedy (default: the run's)")
    shape = predict.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="print a JSON list")
    shape.add_argument("--csv", metavar="FILE", help="write a CSV file")
    check = verb("check", "read the data as `train` would, and say what was found, without training")
    check.add_argument("data", metavar="DATA")
    check.add_argument("--json", action="store_true", help="print JSON")
    add_options(check, [name for name in Config.model_fields if in_group(name, "Data")])
    diagnose = verb("diagnose", "run any PyTorch script under the doctor, or show what the doctor found in a run")
    diagnose.add_argument("--json", metavar="FILE", help="write the findings as JSON")
    diagnose.add_argument("words", metavar="SCRIPT.py [ARGS ...] | RUN", nargs="+")
    verb("report", "write RUN/report.html anew").add_argument("run", metavar="RUN")
    verb("tasks", "list the tasks")
    verb("models", "list the networks of a task").add_argument("task", metavar="TASK", nargs="?")
    verb("samples", "list the samples that come with Convergent")
    return parser


def in_group(name: str, group: str) -> bool:
    """Return whether a field of the schema stands under that heading."""
    extra = Config.model_fields[name].json_schema_extra
    return isinstance(extra, dict) and extra["group"] == group


def add_options(parser: argparse.ArgumentParser, names: list[str]) -> None:
    """Add an option for each field; values stay text here, for the schema checks them all the same way."""
    groups: dict[str, Any] = {}
    for name in names:
        field = Config.model_fields[name]
        extra = field.json_schema_extra
        assert isinstance(extra, dict)
        title = str(extra["group"])
        group = groups.setdefault(title, parser.add_argument_group(title))
        default = "" if field.default in (None, []) else f" (default: {field.default})"
        metavar = name.upper() if "list" not in str(field.annotation) else "A,B,..."
        text = f"{field.description}{default}".replace("%", "%%")
        group.add_argument(flag(name), metavar=metavar, help=text, default=argparse.SUPPRESS)


def options(chosen: Arguments) -> dict[str, Any]:
    """Return the options of the schema that were given, lists cut at commas."""
    given = {name: value for name, value in vars(chosen).items() if name in Config.model_fields}
    for name, value in given.items():
        if "list" in str(Config.model_fields[name].annotation):
            given[name] = [part.strip() for part in value.split(",") if part.strip()]
    return given


def train(chosen: Arguments) -> int:
    """Train; what is done is said on standard error, the run's folder on standard output."""
    started = time.monotonic()
    from convergent.run import train as run_train

    extra = {"config": chosen.config} if chosen.config else {}
    loading = time.monotonic() - started  # torch takes seconds to load, and a time limit is that of the whole command
    print(run_train(chosen.data, seconds_before=loading, **extra, **options(chosen)).folder)
    return 0


def resume(chosen: Arguments) -> int:
    """Go on with a run."""
    from convergent.run import resume as run_resume

    print(run_resume(chosen.run).folder)
    return 0


def evaluate(chosen: Arguments) -> int:
    """Print the scores of a run, on its own splits or on other data."""
    from convergent.trained import load

    scores = load(chosen.run).evaluate(chosen.data)
    if chosen.json:
        print(json.dumps(scores, indent=1))
        return 0
    print_scores(scores)
    return 0


def print_scores(scores: dict[str, Any]) -> None:
    """Print the metrics of each split as a table, beside the baseline."""
    from rich.console import Console
    from rich.table import Table

    columns: dict[str, Any] = {name: scores[name] for name in ("valid", "test") if name in scores}
    if "scores" in scores:
        columns = {f"{scores['samples']:,} samples": scores["scores"]}
    table = Table("metric", *columns, "baseline")
    for name, value in scores["baseline"].items():
        table.add_row(name, *(shown(column.get(name)) for column in columns.values()), shown(value))
    console = Console()
    console.print(table)
    for title, column in columns.items():
        low, high = column["interval"]
        console.print(f"95 % interval of {scores['metric']} ({title}): {low:.4f} to {high:.4f}")


def shown(value: float | None) -> str:
    """Return a metric as text.

    >>> shown(0.98765), shown(None)
    ('0.9877', '–')
    """
    return "–" if value is None else f"{value:,.4f}"


def predict(chosen: Arguments) -> int:
    """Print or write a prediction for every input."""
    from convergent.answers import as_line, write_csv, write_on
    from convergent.trained import load

    run = load(chosen.run)
    run = run if chosen.beam is None else run.with_beam(chosen.beam)
    sampling = {name: getattr(chosen, name) for name, _, _ in SAMPLING if hasattr(chosen, name)}
    if run.task.respond is not None and not chosen.json and not chosen.csv:
        for text in chosen.inputs:
            write_on(run.respond(text, **sampling))
        return 0
    answers = run.predict(chosen.inputs, **sampling)
    if chosen.json:
        print(json.dumps(answers, indent=1, ensure_ascii=False))
    elif chosen.csv:
        write_csv(Path(chosen.csv), answers)
    else:
        for answer in answers:
            print(as_line(answer))
    return 0


def check(chosen: Arguments) -> int:
    """Print what the data is, which task fits, and what was refused."""
    from convergent.run import check as run_check

    found = run_check(chosen.data, **options(chosen))
    if chosen.json:
        print(json.dumps(found.spec.model_dump(), indent=1, ensure_ascii=False))
    else:
        print("\n".join(found.lines))
    return 0


def diagnose_words(words: list[str]) -> tuple[str, list[str], str | None]:
    """Return (script or run, the script's own arguments, file for JSON).

    `--json FILE` is ours before the script, or as the last two words; anything else after the script is the script's.

    >>> diagnose_words(["train.py", "--epochs", "3", "--json", "out.json"])
    ('train.py', ['--epochs', '3'], 'out.json')
    """
    target = None
    if words[:1] == ["--json"] and len(words) > 1:
        target, words = words[1], words[2:]
    elif words[-2:-1] == ["--json"]:
        target, words = words[-1], words[:-2]
    if not words or words[0].startswith("-"):
        raise UserError("diagnose needs a script or a run: convergent diagnose SCRIPT.py [ARGS ...] [--json FILE].")
    return words[0], words[1:], target


def diagnose(script: str, arguments: list[str], target: str | None) -> int:
    """Run a script under the doctor and return its exit status; findings go to standard error and into the file."""
    from convergent.doctor.show import as_json, as_text

    if Path(script).is_dir():
        return diagnosed_run(Path(script), target)
    from convergent.doctor.script import run_script

    file = Path(target).absolute() if target is not None else None  # the script may change its folder
    visit = run_script(script, arguments)
    unseen = not visit.steps and not visit.findings
    said = "The doctor saw no training: no optimiser made a step." if unseen else as_text(visit.findings)
    print(f"\n{said}", file=sys.stderr)
    if file is not None:
        write_text(file, as_json(script, visit.seconds, visit.findings))
    return visit.status


def diagnosed_run(run: Path, target: str | None) -> int:
    """Print what the doctor found in one of our own runs; 1 where something critical is among it."""
    from convergent.doctor.show import as_json, as_text
    from convergent.types import Finding

    path = run / "findings.json"
    if not path.is_file():
        raise UserError(f"{run}: holds no findings.json: it is no finished run, or was trained with --doctor off.")
    findings = [Finding(**one) for one in json.loads(path.read_text(encoding="utf-8"))]
    print(as_text(findings))
    if target is not None:
        write_text(Path(target), as_json(str(run), 0.0, findings))
    return int(any(one.severity == "critical" for one in findings))


def write_text(path: Path, text: str) -> None:
    """Write a file; raises UserError where that fails."""
    try:
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror}).") from None


def report(chosen: Arguments) -> int:
    """Write the report of a run anew and print its path."""
    from convergent.report.page import write_report

    print(write_report(Path(chosen.run)))
    return 0


def tasks(chosen: Arguments) -> int:
    """Print the tasks, a line each."""
    from convergent.task import find_task, task_names

    for name in task_names():
        print(f"{name:24} {find_task(name).summary}")
    return 0


def models(chosen: Arguments) -> int:
    """Print the networks of one task, or of all."""
    from convergent.task import find_task, task_names

    for name in [chosen.task] if chosen.task else task_names():
        print(name)
        for model, text in find_task(name).models.items():
            print(f"  {model:20} {text}")
    return 0


def samples(chosen: Arguments) -> int:
    """Print the names of the samples."""
    from convergent.data.source import sample_names

    print("\n".join(f"sample:{name}" for name in sample_names()))
    return 0


VERBS = {
    "train": train,
    "resume": resume,
    "evaluate": evaluate,
    "predict": predict,
    "check": check,
    "report": report,
    "tasks": tasks,
    "models": models,
    "samples": samples,
}
