"""Charts as inline SVG: lines, scatter, bars. Colours and fonts are those of the page (page.css), so they follow its
light and dark mode; what a reader points at is shown by page.js from the numbers in `data-chart`.

The palette is Okabe and Ito's, "Color Universal Design" (2008), a little calmer: it holds for all colour vision.
Every text passes through markupsafe, so names that come from data cannot become markup.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from convergent.report.scales import Scale, fit_scale, number, tick_labels, wants_log

WIDTH, HEIGHT = 460, 270
LEFT, RIGHT, TOP, BOTTOM = 50, 12, 22, 34
MAX_POINTS = 300
MAX_DOTS = 2_000
MAX_BARS = 40
COLOURS = 7
"""Of page.css: s0 to s6."""


@dataclass(frozen=True)
class Series:
    """One line: `y` at `x`, and where it has one the band (low, high) around it."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    band: tuple[Sequence[float], Sequence[float]] | None = None
    points: bool = False
    highlight: float | None = None
    """The x of the point that is ringed: the best evaluation."""


def line_chart(
    title: str,
    series: Sequence[Series],
    x_label: str,
    y_label: str = "",
    *,
    diagonal: bool = False,
    log: bool = False,
    note: str = "",
) -> Markup:
    """Return lines with a legend.

    `log` makes the y axis logarithmic where the values span more than a factor of 30. `diagonal` draws x = y in a
    square, for calibration. Values that are not finite leave a gap.
    """
    shown = [thin(one) for one in series]
    ys = [value for one in shown for value in one.y]
    x = fit_x([value for one in shown for value in one.x], diagonal)
    bottom, log = HEIGHT - BOTTOM, log and wants_log(ys)
    y = Scale(0, 1, bottom, TOP) if diagonal and _within_unit(ys) else fit_scale(ys, bottom, TOP, log=log)
    body = [_axes(x, y, x_label, y_label + (" (logarithmic)" if log else ""))]
    if diagonal:
        ends = max(x.low, y.low), min(x.high, y.high)
        body.append(_line("diagonal", x(ends[0]), y(ends[0]), x(ends[1]), y(ends[1])))
    for index, one in enumerate(shown):
        body.append(_draw_series(one, index, x, y))
    data = {"kind": "lines", "x_label": x_label, "series": [_hover_series(one, x, y) for one in shown]}
    legend = _legend([one.name for one in shown]) if len(shown) > 1 else Markup("")
    return figure(title, _svg(title, _describe(shown), body, data), note=note, legend=legend)


def scatter_chart(
    title: str, xs: Sequence[float], ys: Sequence[float], x_label: str, y_label: str, *, diagonal: bool, note: str = ""
) -> Markup:
    """Return points; `diagonal` draws x = y with both axes alike. At most 2,000 points are drawn, evenly chosen."""
    pairs = [(a, b) for a, b in zip(xs, ys, strict=True) if math.isfinite(a) and math.isfinite(b)]
    drawn = pairs[:: math.ceil(len(pairs) / MAX_DOTS)] if pairs else []
    both = [value for pair in drawn for value in pair]
    x = fit_scale(both if diagonal else [a for a, _ in drawn], LEFT, WIDTH - RIGHT)
    y = fit_scale(both if diagonal else [b for _, b in drawn], HEIGHT - BOTTOM, TOP)
    body = [_axes(x, y, x_label, y_label)]
    if diagonal:
        body.append(_line("diagonal", x(x.low), y(x.low), x(x.high), y(x.high)))
    elif y.low < 0 < y.high:
        body.append(_line("diagonal", x(x.low), y(0), x(x.high), y(0)))
    dots = "".join(f"M{x(a):.1f} {y(b):.1f}h0" for a, b in drawn)
    body.append(Markup('<path class="dots" d="{}"/>').format(dots))
    points = [[round(x(a), 1), round(y(b), 1), number(a), number(b)] for a, b in drawn]
    data = {"kind": "scatter", "x_label": x_label, "y_label": y_label, "points": points}
    left_out = [] if len(drawn) == len(xs) else [f"{len(drawn):,} of {len(xs):,} points are drawn."]
    text = f"{len(drawn)} points, {y_label} against {x_label}"
    return figure(title, _svg(title, text, body, data), note=" ".join([note, *left_out]).strip())


def bar_chart(
    title: str, labels: Sequence[str], series: Mapping[str, Sequence[float]], unit: str = "", note: str = ""
) -> Markup:
    """Return horizontal bars, one a label, the series stacked.

    Beyond 40 labels the 20 largest and the 20 smallest are drawn.
    """
    totals = [sum(values[i] for values in series.values()) for i in range(len(labels))]
    rows = list(range(len(labels)))
    if len(rows) > MAX_BARS:
        ranked = sorted(rows, key=lambda i: -totals[i])
        rows = ranked[: MAX_BARS // 2] + ranked[-(MAX_BARS // 2) :]
        note = f"{note} The {MAX_BARS // 2} largest and smallest of {len(labels):,} are drawn.".strip()
    longest = max((len(labels[i]) for i in rows), default=0)
    left = min(max(longest, 2), 18) * 6.6 + 14
    x = Scale(min(0.0, *totals, 0.0), max(*totals, 0.0, 1e-12), left, WIDTH - 62)
    pitch = 22 if len(rows) <= 15 else 17
    body = [
        _bar_row(labels[i], totals[i], series, i, x=x, top=4 + row * pitch, pitch=pitch) for row, i in enumerate(rows)
    ]
    hover = [[labels[i], [[name, number(values[i])] for name, values in series.items()]] for i in rows]
    data = {"kind": "bars", "pitch": pitch, "top": 4, "unit": unit, "rows": hover}
    legend = _legend(list(series)) if len(series) > 1 else Markup("")
    text = ", ".join(f"{labels[i]} {number(totals[i])}" for i in rows)
    svg = _svg(title, text, body, data, height=8 + pitch * len(rows))
    return figure(f"{title}, {unit}" if unit else title, svg, note=note, legend=legend)


def interval_chart(value: float, interval: tuple[float, float] | None, baseline: float | None) -> Markup:
    """Return the headline's ruler: the metric with its interval, and where the baseline stands."""
    low, high = interval or (value, value)
    marks = [value, low, high, *([] if baseline is None else [baseline])]
    unit = _within_unit(marks)
    x = Scale(0, 1, 12, WIDTH - 12) if unit else Scale(min(0, *marks), max(*marks, 1e-12) * 1.08, 12, WIDTH - 12)
    ticks = x.ticks()
    body = [_line("axis", x(x.low), 34, x(x.high), 34)]
    for tick, label in zip(ticks, tick_labels(ticks), strict=True):
        body.append(
            Markup('<text class="tick" x="{:.1f}" y="54" text-anchor="middle">{}</text>').format(x(tick), label)
        )
        body.append(_line("axis", x(tick), 34, x(tick), 39))
    if baseline is not None:
        body.append(_line("baseline", x(baseline), 20, x(baseline), 41))
        side = "start" if x(baseline) < WIDTH / 2 else "end"
        text = '<text class="tick" x="{:.1f}" y="14" text-anchor="{}">baseline</text>'
        body.append(Markup(text).format(x(baseline) + (-4 if side == "start" else 4), side))
    band = '<rect class="interval" x="{:.1f}" y="24" width="{:.1f}" height="20" rx="3"/>'
    body.append(Markup(band).format(x(low), max(x(high) - x(low), 2)))
    body.append(Markup('<circle class="value" cx="{:.1f}" cy="34" r="5"/>').format(x(value)))
    text = f"{number(value)}, interval {number(low)} to {number(high)}"
    return _svg("Main metric", text, body, None, height=60)


def thin(series: Series) -> Series:
    """Return the series with at most 300 points: neighbours are averaged, their band is kept whole.

    >>> len(thin(Series("a", range(1000), [0.5] * 1000)).x) <= 300
    True
    """
    size = math.ceil(len(series.x) / MAX_POINTS)
    if size <= 1:
        return series
    starts = range(0, len(series.x), size)
    x = [series.x[min(start + size, len(series.x)) - 1] for start in starts]
    y = [sum(series.y[start : start + size]) / len(series.y[start : start + size]) for start in starts]
    band = None
    if series.band:
        low, high = series.band
        band = [min(low[s : s + size]) for s in starts], [max(high[s : s + size]) for s in starts]
    return Series(series.name, x, y, band, series.points, series.highlight)


def fit_x(values: Sequence[float], diagonal: bool) -> Scale:
    """Return the x scale of lines: from the first to the last value without air, or 0 to 1 for a calibration."""
    finite = [value for value in values if math.isfinite(value)]
    if diagonal and _within_unit(finite):
        return Scale(0, 1, LEFT, WIDTH - RIGHT)
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    low = 0.0 if 0 < low < high * 0.2 else low
    return Scale(low, high if high > low else low + (abs(low) * 0.1 or 1.0), LEFT, WIDTH - RIGHT - 6)


def figure(title: str, content: Markup, *, note: str = "", legend: Markup | str = "", wide: bool = False) -> Markup:
    """Return a titled figure of the page; a wide one takes the whole width and has its note above the content."""
    text = Markup("<p>{}</p>").format(note) if note else Markup("")
    above, below = (text, Markup("")) if wide else (Markup(""), text)
    return Markup('<figure class="chart{}"><figcaption><h3>{}</h3>{}</figcaption>{}{}{}</figure>').format(
        " wide" if wide else "", title, legend, above, content, below
    )


def _svg(title: str, text: str, body: Sequence[Markup], data: dict[str, Any] | None, height: float = HEIGHT) -> Markup:
    """Return the SVG element. Its name is an aria-label: a <title> would pop up over the read-out of page.js."""
    hover = Markup(' tabindex="0" data-chart="{}"').format(json.dumps(data, separators=(",", ":"))) if data else ""
    return Markup('<svg role="img" viewBox="0 0 {} {:.0f}" aria-label="{}"{}><desc>{}</desc>{}</svg>').format(
        WIDTH, height, title, hover, text, Markup("").join(body)
    )


def _axes(x: Scale, y: Scale, x_label: str, y_label: str) -> Markup:
    parts = []
    x_ticks, y_ticks = x.ticks(), y.ticks()
    for tick, label in zip(y_ticks, tick_labels(y_ticks), strict=True):
        parts.append(_line("grid", x.start, y(tick), x.end, y(tick)))
        text = '<text class="tick" x="{:.1f}" y="{:.1f}" text-anchor="end">{}</text>'
        parts.append(Markup(text).format(x.start - 7, y(tick) + 4, label))
    for tick, label in zip(x_ticks, tick_labels(x_ticks), strict=True):
        text = '<text class="tick" x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>'
        parts.append(Markup(text).format(x(tick), y.start + 16, label))
    parts.append(_line("axis", x.start, y.start, x.end, y.start))
    text = '<text class="label" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>'
    parts.append(Markup(text).format(x.end, y.start + 31, "end", x_label))
    parts.append(Markup(text).format(4, 11, "start", y_label) if y_label else Markup(""))
    return Markup("").join(parts)


def _draw_series(series: Series, index: int, x: Scale, y: Scale) -> Markup:
    parts = []
    if series.band:
        parts.append(Markup('<path class="band s{}" d="{}"/>').format(index % COLOURS, _band(series, x, y)))
    parts.append(Markup('<path class="line s{}" d="{}"/>').format(index % COLOURS, _polyline(series, x, y)))
    known = [(a, b) for a, b in zip(series.x, series.y, strict=True) if math.isfinite(b)]
    if (series.points and len(known) <= 60) or len(known) == 1:
        dots = "".join(f"M{x(a):.1f} {y(b):.1f}h0" for a, b in known)
        parts.append(Markup('<path class="point s{}" d="{}"/>').format(index % COLOURS, dots))
    ring = '<circle class="ring s{}" cx="{:.1f}" cy="{:.1f}" r="6"/>'
    parts += [Markup(ring).format(index % COLOURS, x(a), y(b)) for a, b in known if a == series.highlight][:1]
    return Markup("").join(parts)


def _polyline(series: Series, x: Scale, y: Scale) -> str:
    pieces, pen = [], "M"
    for a, b in zip(series.x, series.y, strict=True):
        if math.isfinite(b):
            pieces.append(f"{pen}{x(a):.1f} {y(b):.1f}")
        pen = "L" if math.isfinite(b) else "M"
    return "".join(pieces)


def _band(series: Series, x: Scale, y: Scale) -> str:
    """Return the outline of the band, cut off at the frame so that one outlier does not decide the scale."""
    assert series.band
    edges = [
        [
            f"{x(a):.1f} {min(max(y(b), y.end), y.start):.1f}"
            for a, b in zip(series.x, edge, strict=True)
            if math.isfinite(b)
        ]
        for edge in series.band
    ]
    return f"M{'L'.join(edges[0] + edges[1][::-1])}Z" if edges[0] and edges[1] else ""


def _bar_row(
    label: str, total: float, series: Mapping[str, Sequence[float]], i: int, *, x: Scale, top: float, pitch: float
) -> Markup:
    text = '<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>'
    middle = top + pitch / 2 + 4
    parts = [Markup(text).format("name", x.start - 8, middle, "end", shorten(label))]
    edge = 0.0
    for index, values in enumerate(series.values()):
        left, right = sorted((x(edge), x(edge + values[i])))
        rect = '<rect class="bar s{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>'
        parts.append(Markup(rect).format(index % COLOURS, left, top + 3, right - left, pitch - 6))
        edge += values[i]
    parts.append(Markup(text).format("tick", x(max(total, 0)) + 6, middle, "start", number(total)))
    return Markup("").join(parts)


def shorten(text: str, length: int = 18) -> str:
    """Return the text, cut with an ellipsis where it is longer than `length`.

    >>> shorten("a very long name of a class", 10)
    'a very lo…'
    """
    return text if len(text) <= length else text[: length - 1] + "…"


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    line = '<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>'
    return Markup(line).format(kind, x1, y1, x2, y2)


def _legend(names: Sequence[str]) -> Markup:
    items = [Markup('<li><i class="s{}"></i>{}</li>').format(i % COLOURS, name) for i, name in enumerate(names)]
    return Markup('<ul class="legend">{}</ul>').format(Markup("").join(items))


def _hover_series(series: Series, x: Scale, y: Scale) -> dict[str, Any]:
    known = [(a, b) for a, b in zip(series.x, series.y, strict=True) if math.isfinite(b)]
    return {
        "name": series.name,
        "px": [round(x(a), 1) for a, _ in known],
        "py": [round(y(b), 1) for _, b in known],
        "x": [number(a) for a, _ in known],
        "y": [number(b) for _, b in known],
    }


def _describe(series: Sequence[Series]) -> str:
    sentences = []
    for one in series:
        known = [value for value in one.y if math.isfinite(value)]
        if known:
            extremes = f"lowest {number(min(known))}, highest {number(max(known))}"
            sentences.append(f"{one.name}: from {number(known[0])} to {number(known[-1])}, {extremes}")
    return "; ".join(sentences)


def _within_unit(values: Sequence[float]) -> bool:
    return all(0 <= value <= 1 for value in values if math.isfinite(value))
