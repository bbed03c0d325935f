"""A matrix of shares as shades: what looks at what. Rows and columns carry labels, cells no numbers."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from convergent.report.charts import WIDTH, figure, shorten
from convergent.report.scales import number

LABEL = 12


def heatmap(
    title: str, rows: Sequence[str], columns: Sequence[str], values: Sequence[Sequence[float]], note: str = ""
) -> Markup:
    """Return the matrix; the strongest shade is its largest value, and each cell tells its own when pointed at."""
    size = 10.0
    left = max(len(shorten(name, LABEL)) for name in rows) * size * 0.62 + 10
    top = max(len(shorten(name, LABEL)) for name in columns) * size * 0.62 + 10
    cell = (WIDTH - left - 4) / len(columns)
    most = max((value for row in values for value in row), default=0.0) or 1.0
    body = [_row_name(name, left, top + (i + 0.5) * cell, size) for i, name in enumerate(rows)]
    body += [_column_name(name, left + (j + 0.5) * cell, top, size) for j, name in enumerate(columns)]
    for i, row in enumerate(values):
        for j, value in enumerate(row):
            if value >= most / 200:
                box = (left + j * cell + 0.5, top + i * cell + 0.5, cell - 1)
                body.append(_cell(box, value / most, f"{rows[i]} → {columns[j]}: {number(value)}"))
    frame = '<rect class="frame" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>'
    body.append(Markup(frame).format(left, top, cell * len(columns), cell * len(rows)))
    svg = '<svg role="img" viewBox="0 0 {} {:.0f}" aria-label="{}">{}</svg>'
    drawing = Markup(svg).format(WIDTH, top + cell * len(rows) + 4, title, Markup("").join(body))
    return figure(title, drawing, note=note)


def _row_name(name: str, right: float, middle: float, size: float) -> Markup:
    text = '<text class="name" font-size="{}" x="{:.1f}" y="{:.1f}" text-anchor="end">{}</text>'
    return Markup(text).format(size, right - 5, middle + size * 0.35, shorten(name, LABEL))


def _column_name(name: str, middle: float, bottom: float, size: float) -> Markup:
    text = '<text class="name" font-size="{}" transform="translate({:.1f} {:.1f}) rotate(-90)">{}</text>'
    return Markup(text).format(size, middle + size * 0.35, bottom - 5, shorten(name, LABEL))


def _cell(box: tuple[float, float, float], strength: float, text: str) -> Markup:
    x, y, side = box
    rect = (
        '<rect class="right" x="{0:.1f}" y="{1:.1f}" width="{2:.1f}" height="{2:.1f}" fill-opacity="{3:.2f}">'
        "<title>{4}</title></rect>"
    )
    return Markup(rect).format(x, y, side, max(0.04, strength), text)
