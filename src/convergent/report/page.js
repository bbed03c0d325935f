"use strict";
// Reads a chart's numbers from its data-chart and shows those at the pointer. Text goes into text nodes only.

const tip = document.createElement("div");
tip.className = "tip";
tip.hidden = true;
document.body.append(tip);

const nearest = (values, wanted) => values.reduce((best, v, i) => Math.abs(v - wanted) < Math.abs(values[best] - wanted) ? i : best, 0);
const percent = (part, whole) => whole ? (100 * part / whole).toFixed(1) + "%" : "–";

// Each reader returns {head, lines, marks} at (x, y) in the units of the drawing, or null where there is nothing.
const readers = {
  lines(chart, x) {
    const drawn = chart.series.map((s, index) => ({ ...s, index })).filter(s => s.px.length);
    if (!drawn.length) return null;
    const found = drawn.map(s => ({ s, i: nearest(s.px, x) }));
    const lead = found.reduce((a, b) => Math.abs(b.s.px[b.i] - x) < Math.abs(a.s.px[a.i] - x) ? b : a);
    return {
      head: (chart.x_label + " " + lead.s.x[lead.i]).trim(),
      lines: found.map(({ s, i }) => s.name + " " + s.y[i] + (s.x[i] === lead.s.x[lead.i] ? "" : " (at " + s.x[i] + ")")),
      marks: [["line", { x1: lead.s.px[lead.i], x2: lead.s.px[lead.i], y1: 22, y2: 236 }],
        ...found.map(({ s, i }) => ["circle", { cx: s.px[i], cy: s.py[i], r: 4.5, class: "s" + s.index % 7 }])],
    };
  },
  scatter(chart, x, y) {
    const away = chart.points.map(p => (p[0] - x) ** 2 + (p[1] - y) ** 2);
    const i = nearest(away, 0);
    if (!(away[i] < 600)) return null;
    const p = chart.points[i];
    return {
      head: "", lines: [chart.x_label + " " + p[2], chart.y_label + " " + p[3]],
      marks: [["circle", { cx: p[0], cy: p[1], r: 5, class: "s1" }]],
    };
  },
  bars(chart, x, y) {
    const row = chart.rows[Math.floor((y - chart.top) / chart.pitch)];
    return row ? { head: row[0], lines: row[1].map(([name, value]) => (name + " " + value).trim()), marks: [] } : null;
  },
  matrix(chart, x, y) {
    const i = Math.floor((y - chart.origin) / chart.cell), j = Math.floor((x - chart.origin) / chart.cell);
    if (!(chart.labels[i] !== undefined && chart.labels[j] !== undefined)) return null;
    const count = chart.values[i][j];
    return {
      head: i === j ? chart.labels[i] + ", recognised" : chart.labels[i] + " taken for " + chart.labels[j],
      lines: [count + " of " + chart.totals[i] + " (" + percent(count, chart.totals[i]) + " of the row)"],
      marks: [["rect", { x: chart.origin + j * chart.cell, y: chart.origin + i * chart.cell, width: chart.cell, height: chart.cell }]],
    };
  },
};

function element(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function attach(svg) {
  const chart = JSON.parse(svg.dataset.chart);
  const cursor = element("g", { class: "cursor" });
  svg.append(cursor);
  let at = { x: 50, y: 22 };

  const hide = () => { tip.hidden = true; cursor.replaceChildren(); };
  const show = (x, y, clientX, clientY) => {
    const found = readers[chart.kind](chart, x, y);
    if (!found) return hide();
    cursor.replaceChildren(...found.marks.map(([name, attributes]) => element(name, attributes)));
    const head = document.createElement("b");
    head.textContent = found.head;
    const lines = found.lines.map(text => { const line = document.createElement("div"); line.textContent = text; return line; });
    tip.replaceChildren(...(found.head ? [head] : []), ...lines);
    tip.hidden = false;
    const left = clientX + 16 + tip.offsetWidth > innerWidth - 8 ? clientX - 16 - tip.offsetWidth : clientX + 16;
    tip.style.left = Math.max(8, left) + "px";
    tip.style.top = Math.max(8, Math.min(clientY - tip.offsetHeight / 2, innerHeight - tip.offsetHeight - 8)) + "px";
  };

  const scale = () => svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
  const follow = event => {
    const box = svg.getBoundingClientRect();
    at = { x: (event.clientX - box.left) / scale(), y: (event.clientY - box.top) / scale() };
    show(at.x, at.y, event.clientX, event.clientY);
  };
  svg.addEventListener("pointermove", follow);
  svg.addEventListener("pointerdown", follow);
  svg.addEventListener("pointerleave", hide);
  svg.addEventListener("blur", hide);
  svg.addEventListener("keydown", event => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    const size = chart.cell || chart.pitch || 8;
    at = { x: at.x + step[0] * size, y: at.y + step[1] * size };
    const box = svg.getBoundingClientRect();
    show(at.x, at.y, box.left + at.x * scale(), box.top + at.y * scale());
  });
}

document.querySelectorAll("svg[data-chart]").forEach(attach);
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach(d => { d.open = true; }));
addEventListener("scroll", () => { tip.hidden = true; }, { passive: true });
