"""Language models: time to a loss beside nanoGPT's CPU setting, the best loss in ten minutes, speed, and writing.

    python benchmarks/language.py [to-loss] [ten-minutes] [throughput] [writing] [--quick]

to-loss      nanoGPT's CPU setting (nanogpt.py) is trained to its end; then `convergent train` gets nothing but the text
             and a time limit that leaves a fifth of that to its steps (trained anew with a shorter one where what
             stands around the steps was quicker than expected). Both losses are of the whole validation part.
ten-minutes  `convergent train` with `--time-limit 600`.
throughput   a step of a 6-layer GPT of width 384 at context 256 by the measured plan and by torch's own way, in turns.
writing      256 tokens with the key-value cache and without.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import nanogpt
from common import Shown, Target, convergent, machine, report
from convergent.config import make_config
from convergent.engine.plan import Plan, default_plan, make_state, measure
from convergent.engine.step import Recipe, make_step
from convergent.models.generation import generate
from convergent.models.language_model import TransformerLanguageModel
from convergent.models.transformer import Transformer
from convergent.task import supervised_step
from convergent.tasks._language import next_token_loss
from convergent.tasks._language_size import START_SECONDS
from convergent.types import Batch, Sampling

WANTED, BEST = 1.88, 1.52
PUBLISHED, PUBLISHED_ERROR = 1.88, 0.02
"""nanoGPT estimates its loss from 20 batches of 12 windows; the standard error is that of 15,360 tokens."""
TRIES, SLACK = 4, 0.3  # seconds
MINUTES = 600
TOKENS, WIDTH, DEPTH, HEADS, CONTEXT, BATCH = 256, 384, 6, 6, 256, 8
ROUNDS, STEPS = 5, 3


@dataclass(frozen=True)
class Trained:
    """What `convergent train` gave: the loss, the seconds of its steps, and of the whole command."""

    loss: float
    step_seconds: float
    seconds: float
    result: dict[str, Any]


def shakespeare() -> Path:
    """Return the text; exits where CONVERGENT_DATA does not hold it."""
    path = Path(os.environ.get("CONVERGENT_DATA", "")) / "tinyshakespeare.txt"
    if not path.is_file():
        sys.exit("set CONVERGENT_DATA to a folder with tinyshakespeare.txt")
    return path


def train(limit: float) -> Trained:
    """Train on the text within a time limit, with a cache of its own."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        words = convergent("train", str(shakespeare()), "--time-limit", str(limit), "--out", str(run))
        start = time.perf_counter()
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "CONVERGENT_CACHE": folder})
        seconds = time.perf_counter() - start
        result = json.loads((run / "result.json").read_text(encoding="utf-8"))
        records = [json.loads(line) for line in (run / "journal.jsonl").read_text(encoding="utf-8").splitlines()]
    times = [record["time"] for record in records if record["kind"] == "step"]
    evaluations = [record["seconds"] for record in records if record["kind"] == "evaluation"]
    return Trained(result["valid"]["loss"], max(times) - sum(evaluations[:-1]), seconds, result)


def to_loss(quick: bool) -> None:
    """Train nanoGPT's setting to its end, and ours in a fifth of its time."""
    on = machine()
    course = nanogpt.train(shakespeare().read_text(encoding="utf-8"), 50 if quick else nanogpt.STEPS)
    theirs = course[-1]
    # Two evaluations stand at the end of our run, and are no training either.
    limit = theirs.seconds / 5 + START_SECONDS + 2 * theirs.evaluation_seconds
    ours = train(limit)
    for _ in range(TRIES):
        beyond = ours.step_seconds - theirs.seconds / 5
        if beyond <= 0:
            break
        limit -= beyond + SLACK
        ours = train(limit)
    share = ours.step_seconds / theirs.seconds
    rows = [
        ["nanoGPT's CPU setting", f"{theirs.loss:.4f}", f"{theirs.seconds:.1f}", str(theirs.step), "", ""],
        ["convergent train", f"{ours.loss:.4f}", f"{ours.step_seconds:.1f}", str(ours.result["steps"]),
         f"{ours.seconds:.1f}", f"{ours.result['parameters']:,}"],
    ]  # fmt: skip
    columns = ["", "validation loss", "seconds of training", "steps", "seconds of the whole command", "parameters"]
    note = "Evaluations are not counted as training; the loss is in nats a character over the whole validation part."
    table = Shown("tiny Shakespeare, by characters: a fifth of the time", columns, rows, note)
    aims = [
        Target("nanoGPT's CPU setting: validation loss", PUBLISHED + 2 * PUBLISHED_ERROR, theirs.loss, at_least=False,
               note="published: about 1.88, of 20 batches"),
        Target("tiny Shakespeare: validation loss in a fifth of the time", WANTED, ours.loss, at_least=False),
        Target("tiny Shakespeare: share of nanoGPT's time", 0.2, share, at_least=False),
    ]  # fmt: skip
    report("language-to-loss", "language", on, [table], aims, quick=quick)


def ten_minutes(quick: bool) -> None:
    """Train for ten minutes."""
    on = machine()
    limit = 40 if quick else MINUTES
    ours = train(limit)
    row = [f"{ours.loss:.4f}", f"{ours.seconds:.0f}", str(ours.result["steps"]), f"{ours.result['epochs']:.1f}",
           f"{ours.result['parameters']:,}"]  # fmt: skip
    table = Shown(f"tiny Shakespeare with only --time-limit {limit}",
                  ["validation loss", "seconds", "steps", "epochs", "parameters"], [row])  # fmt: skip
    aims = [
        Target("tiny Shakespeare: validation loss in ten minutes", BEST, ours.loss, at_least=False),
        Target("tiny Shakespeare: whole run within its time limit", limit, ours.seconds, " s", at_least=False),
    ]
    report("language-ten-minutes", "language", on, [table], aims, quick=quick)


def gpt() -> TransformerLanguageModel:
    """Return the network whose speed is measured."""
    torch.manual_seed(0)
    network = Transformer(1024, WIDTH, DEPTH, HEADS, causal=True, context=CONTEXT, norm="layer")
    return TransformerLanguageModel(network, 1024, WIDTH)


def flops_of_step() -> float:
    """Return the operations of forward and backward pass: 6 a weight and token, and attention."""
    weights = 12 * DEPTH * WIDTH**2 + 1024 * WIDTH
    return BATCH * CONTEXT * (6 * weights + 6 * DEPTH * CONTEXT * WIDTH)


def throughput(quick: bool) -> None:
    """Time a training step by the measured plan and by torch's own way, in turns."""
    on = machine()
    config = make_config(optimizer="adamw", learning_rate=1e-3, weight_decay=0.1, beta2=0.99, schedule="linear")
    tokens_BT = torch.randint(1024, (BATCH, CONTEXT + 1))
    batch = Batch((tokens_BT[:, :-1],), tokens_BT[:, 1:])
    recipe = Recipe(supervised_step, next_token_loss, None, config, torch.device("cpu"))
    off = default_plan(config, recipe.device).chosen
    measured = measure(gpt(), recipe, [batch], 10_000)
    times: dict[str, list[float]] = {"off": [], "auto": []}
    steps = {name: step_of(recipe, plan) for name, plan in (("off", off), ("auto", measured.chosen))}
    for number in range(1 if quick else ROUNDS):
        for name, step in steps.items():
            torch.set_num_threads((off if name == "off" else measured.chosen).threads)
            start = time.perf_counter()
            for index in range(STEPS):
                step(batch, number * STEPS + index, 1.0, 0.5)[0].item()
            times[name].append((time.perf_counter() - start) / STEPS)
    gain = statistics.median(a / b for a, b in zip(times["off"], times["auto"], strict=True))
    peak = max(float(on["float32_gflops"]), float(on["bfloat16_gflops"]))
    rows = []
    for name, plan in (("off", off), ("auto", measured.chosen)):
        seconds = statistics.median(times[name])
        speed = flops_of_step() / seconds / 1e9
        rows.append([name, plan.label(), f"{1e3 * seconds:.0f}", f"{BATCH * CONTEXT / seconds:,.0f}", f"{speed:.1f}",
                     f"{speed / peak:.0%}"])  # fmt: skip
    columns = ["plan", "what it is", "ms a step", "tokens a second", "GFLOP/s", "share of the peak"]
    table = Shown(f"GPT of {DEPTH} layers, width {WIDTH}, context {CONTEXT}, batch {BATCH}", columns, rows)
    note = (
        "" if "avx512_bf16" in on["instructions"] or "amx_bf16" in on["instructions"] else "bfloat16 is emulated here"
    )
    aim = Target("6-layer GPT: our plan, times as fast as eager float32", 2.0, gain, note=note)
    report("language-throughput", "language", on, [table], [aim], quick=quick)


def step_of(recipe: Recipe, plan: Plan) -> Any:
    """Return the step of a fresh network under a plan."""
    from dataclasses import replace

    return make_step(make_state(gpt(), recipe, plan), replace(recipe, precision=plan.precision), plan.compiled)


@torch.inference_mode()
def without_cache(model: TransformerLanguageModel, prompt: list[int], count: int) -> list[int]:
    """Return the likeliest continuation, with the whole text computed anew for each token."""
    ids = list(prompt)
    for _ in range(count):
        logits_V: Tensor = model(torch.tensor([ids]))[0, -1]
        ids.append(int(logits_V.argmax()))
    return ids[len(prompt) :]


def writing(quick: bool) -> None:
    """Time the writing of 256 tokens with the cache and without."""
    on = machine()
    network = Transformer(1024, WIDTH, DEPTH, HEADS, causal=True, context=512, norm="layer")
    model = TransformerLanguageModel(network, 1024, WIDTH).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    count = 32 if quick else TOKENS
    sampling = Sampling(max_tokens=count, temperature=0)
    times: dict[str, list[float]] = {"with": [], "without": []}
    same = True
    for _ in range(1 if quick else 3):
        start = time.perf_counter()
        cached = list(generate(model, [1], sampling, end=-1))
        times["with"].append(time.perf_counter() - start)
        start = time.perf_counter()
        same = without_cache(model, [1], count) == cached and same
        times["without"].append(time.perf_counter() - start)
    gain = statistics.median(a / b for a, b in zip(times["without"], times["with"], strict=True))
    rows = [
        [name, f"{statistics.median(some):.2f}", f"{count / statistics.median(some):,.0f}"]
        for name, some in times.items()
    ]
    note = f"{count} tokens, the likeliest always; both write the same: {'yes' if same else 'no'}."
    table = Shown(f"Writing with a GPT of {DEPTH} layers and width {WIDTH}", ["cache", "seconds", "tokens a second"],
                  rows, note)  # fmt: skip
    aim = Target("Writing 256 tokens: with the cache, times as fast as without", 5.0, gain)
    report("language-writing", "language", on, [table], [aim], quick=quick)


PARTS = {"to-loss": to_loss, "ten-minutes": ten_minutes, "throughput": throughput, "writing": writing}


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[[], *PARTS], default=[], metavar="|".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="to see that it runs; writes nothing")
    chosen = parser.parse_args()
    for name in chosen.names or PARTS:
        PARTS[name](chosen.quick)


if __name__ == "__main__":
    main()
