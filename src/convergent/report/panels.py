"""A Panel (plain numbers from a task) as a figure of the page. It knows the kinds of panels and no task."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from convergent.report.charts import Series, bar_chart, figure, line_chart, scatter_chart
from convergent.report.heatmap import heatmap
from convergent.report.matrix import confusion_matrix
from convergent.report.scales import number
from convergent.report.texts import marked_texts
from convergent.types import Panel, UserError

PIXEL_ART_BELOW = 65


def draw_panel(panel: Panel) -> Markup:
    """Return the figure of a panel; raises UserError where its data lacks what its kind needs."""
    try:
        return _DRAW[panel.kind](panel)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise UserError(
            f"panels.json: panel `{panel.title}` of kind {panel.kind} cannot be drawn"
            f" ({type(error).__name__}: {error}). Mend the task's `draw`."
        ) from error


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Markup:
    """Return a table; numbers are set right, and a column of numbers has its head there too."""
    numeric = [bool(rows) and all(_is_number(row[i]) for row in rows) for i in range(len(columns))]
    head = [Markup("<th{}>{}</th>").format(_set_right(n), c) for c, n in zip(columns, numeric, strict=True)]
    body = [
        Markup("<tr>{}</tr>").format(
            Markup("").join(
                Markup("<td{}>{}</td>").format(_set_right(_is_number(cell)), number(cell) if _is_number(cell) else cell)
                for cell in row
            )
        )
        for row in rows
    ]
    return Markup('<div class="scroll"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>').format(
        Markup("").join(head), Markup("").join(body)
    )


def gallery(items: Sequence[dict[str, str]]) -> Markup:
    """Return pictures with caption and detail; small ones are enlarged with their pixels kept sharp."""
    shown = []
    for item in items:
        small = " class=pixels" if 0 < _png_width(item["png"]) < PIXEL_ART_BELOW else ""
        picture = '<li><img{} src="data:image/png;base64,{}" alt="{}" loading="lazy"><b>{}</b><span>{}</span></li>'
        caption, detail = item.get("caption", ""), item.get("detail", "")
        shown.append(Markup(picture).format(Markup(small), item["png"], caption, caption, detail))
    return Markup('<ul class="gallery">{}</ul>').format(Markup("").join(shown))


def _set_right(numeric: bool) -> Markup:
    return Markup(" class=n") if numeric else Markup("")


def _is_number(cell: Any) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool)


def _png_width(png: str) -> int:
    """Return the width in the header of a base64 PNG (RFC 2083, 11.2.1), 0 where it is none."""
    try:
        head = base64.b64decode(png[:32], validate=True)
    except (binascii.Error, ValueError):
        return 0
    return int.from_bytes(head[16:20], "big") if head[:4] == b"\x89PNG" else 0


def _floats(values: Sequence[float | None]) -> list[float]:
    return [math.nan if value is None else float(value) for value in values]


def _matrix(panel: Panel) -> Markup:
    return confusion_matrix(panel.title, panel.data["labels"], panel.data["values"], panel.note)


def _scatter(panel: Panel) -> Markup:
    data = panel.data
    axes = data.get("x_label", "x"), data.get("y_label", "y")
    diagonal = bool(data.get("diagonal"))
    return scatter_chart(panel.title, _floats(data["x"]), _floats(data["y"]), *axes, diagonal=diagonal, note=panel.note)


def _bars(panel: Panel) -> Markup:
    unit = panel.data.get("unit", "")
    values = {unit or panel.title: _floats(panel.data["values"])}
    return bar_chart(panel.title, panel.data["labels"], values, unit, panel.note)


def _lines(panel: Panel) -> Markup:
    data = panel.data
    xs, diagonal = _floats(data["x"]), bool(data.get("diagonal"))
    series = [Series(name, xs, _floats(ys), points=len(xs) <= 60) for name, ys in data["series"].items()]
    axes = data.get("x_label", ""), data.get("y_label", "")
    return line_chart(panel.title, series, *axes, diagonal=diagonal, note=panel.note)


def _gallery(panel: Panel) -> Markup:
    return figure(panel.title, gallery(panel.data["items"]), note=panel.note, wide=True)


def _table(panel: Panel) -> Markup:
    return figure(panel.title, table(panel.data["columns"], panel.data["rows"]), note=panel.note, wide=True)


def _texts(panel: Panel) -> Markup:
    return figure(panel.title, marked_texts(panel.data["items"]), note=panel.note, wide=True)


def _heatmap(panel: Panel) -> Markup:
    data = panel.data
    return heatmap(panel.title, data["rows"], data["columns"], data["values"], panel.note)


_DRAW = {
    "matrix": _matrix,
    "scatter": _scatter,
    "bars": _bars,
    "lines": _lines,
    "gallery": _gallery,
    "table": _table,
    "heatmap": _heatmap,
    "texts": _texts,
}
