"""The confusion matrix: rows are true classes, columns predicted ones, shade is the share of the row.

Right answers are blue and wrong ones orange, so a weak class is seen without reading a number. With many classes the
numbers leave the cells, and the table of the most confused pairs says what matters.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

from markupsafe import Markup

from convergent.report.charts import WIDTH, figure, shorten
from convergent.report.scales import number

NUMBERS_UP_TO = 15
MAX_CLASSES = 60
PAIRS = 10


def confusion_matrix(title: str, labels: Sequence[str], values: Sequence[Sequence[int]], note: str = "") -> Markup:
    """Return the matrix with the most confused pairs beside it.

    Beyond 60 classes the 60 with the most mistakes are drawn; the pairs are always those of all classes.
    """
    kept = list(range(len(labels)))
    if len(kept) > MAX_CLASSES:
        kept = sorted(sorted(kept, key=lambda i: -_mistakes(values, i))[:MAX_CLASSES])
        note = f"{note} The {MAX_CLASSES} of {len(labels):,} classes with the most mistakes are drawn.".strip()
    names = [labels[i] for i in kept]
    counts = [[values[i][j] for j in kept] for i in kept]
    totals = [sum(values[i]) for i in kept]
    drawing = _draw(title, names, counts, totals)
    content = Markup('<div class="beside">{}<div>{}</div></div>').format(drawing, _pair_table(labels, values))
    return figure(title, content, note=note, wide=True)


def confused_pairs(labels: Sequence[str], values: Sequence[Sequence[int]]) -> list[tuple[str, str, int, float]]:
    """Return the most frequent mistakes: (true, predicted, count, share of the true class).

    >>> confused_pairs(["cat", "dog"], [[8, 2], [1, 9]])
    [('cat', 'dog', 2, 0.2), ('dog', 'cat', 1, 0.1)]
    """
    pairs = [
        (labels[i], labels[j], count, count / sum(row))
        for i, row in enumerate(values)
        for j, count in enumerate(row)
        if i != j and count
    ]
    return sorted(pairs, key=lambda pair: -pair[2])[:PAIRS]


def _mistakes(values: Sequence[Sequence[int]], i: int) -> int:
    return sum(values[i]) + sum(row[i] for row in values) - 2 * values[i][i]


def _draw(title: str, names: Sequence[str], counts: Sequence[Sequence[int]], totals: Sequence[int]) -> Markup:
    longest = max(len(shorten(name, 14)) for name in names)
    size = 11.0 if len(names) <= 26 else 9.0
    margin = max(longest * size * 0.58 + 14, 84)
    cell = (WIDTH - margin - 4) / len(names)
    height = margin + cell * len(names) + 4
    body = [_names(names, margin, cell, size)]
    for i, row in enumerate(counts):
        body += [
            _cell(i, j, count, totals[i], margin=margin, cell=cell, classes=len(names))
            for j, count in enumerate(row)
            if count
        ]
    frame = '<rect class="frame" x="{0:.1f}" y="{0:.1f}" width="{1:.1f}" height="{1:.1f}"/>'
    body.append(Markup(frame).format(margin, cell * len(names)))
    data = {"kind": "matrix", "labels": names, "values": counts, "totals": totals, "origin": margin, "cell": cell}
    right = sum(counts[i][i] for i in range(len(names)))
    text = f"{right} right of {sum(map(sum, counts))} among the classes drawn"
    svg = '<svg role="img" viewBox="0 0 {} {:.0f}" aria-label="{}" tabindex="0" data-chart="{}"><desc>{}</desc>{}</svg>'
    hover = json.dumps(data, separators=(",", ":"))
    return Markup(svg).format(WIDTH, height, title, hover, text, Markup("").join(body))


def _names(names: Sequence[str], margin: float, cell: float, size: float) -> Markup:
    """Return the labels of rows and columns; where they would touch only each second, third... is written."""
    every = math.ceil(size * 1.05 / cell)
    upright = max(len(name) for name in names) * size * 0.6 < cell - 2
    parts = []
    for i, name in enumerate(names):
        if i % every:
            continue
        middle = margin + (i + 0.5) * cell
        row = '<text class="name" font-size="{}" x="{:.1f}" y="{:.1f}" text-anchor="end">{}</text>'
        parts.append(Markup(row).format(size, margin - 5, middle + size * 0.35, shorten(name, 14)))
        column = '<text class="name" font-size="{}" text-anchor="{}" transform="translate({:.1f} {:.1f}){}">{}</text>'
        anchor, turn = ("middle", "") if upright else ("start", " rotate(-90)")
        x = middle if upright else middle + size * 0.35
        parts.append(Markup(column).format(size, anchor, x, margin - 5, turn, shorten(name, 14)))
    axis = '<text class="label" x="{:.1f}" y="{:.1f}" text-anchor="end">{}</text>'
    parts.append(Markup(axis).format(margin - 8, margin - 24, "predicted →"))
    parts.append(Markup(axis).format(margin - 8, margin - 8, "true ↓"))
    return Markup("").join(parts)


def _cell(i: int, j: int, count: int, total: int, *, margin: float, cell: float, classes: int) -> Markup:
    share = count / total if total else 0.0
    strength = math.sqrt(share) if i != j else share**1.5  # small mistakes must be seen, weak classes too
    rect = '<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" fill-opacity="{:.2f}"/>'
    x, y = margin + j * cell, margin + i * cell
    kind = "right" if i == j else "wrong"
    parts = Markup(rect).format(kind, x + 0.5, y + 0.5, cell - 1, cell - 1, max(strength, 0.06))
    if classes > NUMBERS_UP_TO:
        return parts
    size = min(12.0, cell / max(len(str(count)), 2) * 1.35)
    text = '<text class="count{}" font-size="{:.1f}" x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>'
    strong = " strong" if strength > 0.55 else ""
    return parts + Markup(text).format(strong, size, x + cell / 2, y + cell / 2 + size * 0.36, count)


def _pair_table(labels: Sequence[str], values: Sequence[Sequence[int]]) -> Markup:
    pairs = confused_pairs(labels, values)
    if not pairs:
        return Markup("<p>No mistakes.</p>")
    row = "<tr><td>{}</td><td>{}</td><td class=n>{}</td><td class=n>{:.1%}</td></tr>"
    rows = [Markup(row).format(true, predicted, number(count), share) for true, predicted, count, share in pairs]
    head = "<tr><th>true</th><th>taken for</th><th class=n>times</th><th class=n>of its class</th></tr>"
    return Markup("<h4>Most confused</h4><table><thead>{}</thead><tbody>{}</tbody></table>").format(
        Markup(head), Markup("").join(rows)
    )
