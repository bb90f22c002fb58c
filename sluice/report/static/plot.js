// uPlot in the page's colours: what all charts share.

import uPlot from "./vendor/uplot.js";
import { clock, compact, day } from "./format.js";

const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export const colour = (slot) => style(slot ? `--c${slot}` : "--other");
export const colours = () => ({
  grid: style("--grid"), axis: style("--axis"), ground: style("--surface"), text: style("--muted"), strong: style("--strong"),
});

const FONT = "12px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
const TIME_STEPS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 432000, 604800, 1209600, 2592000,
];

function timeLabels(_, splits, __, ___, step) {
  let before = null;
  return splits.map((seconds) => {
    const date = new Date(seconds * 1000).toDateString();
    const first = before !== null && before !== date;
    before = date;
    if (step >= 86400) return day(seconds);
    return first ? `${clock(seconds, step)}\n${day(seconds)}` : clock(seconds, step);
  });
}

/** Axes, scales and size of a chart in `element`; `label` writes the numbers beside it. */
export function frame(element, { begin, end, label = compact, top = null, log = false }) {
  const paint = colours();
  const axis = { stroke: paint.axis, font: FONT, ticks: { show: false } };
  return {
    width: Math.max(element.clientWidth, 120),
    height: element.clientHeight,
    padding: [14, 22, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
    scales: {
      x: { time: true, range: () => [begin(), end()] },
      y: log ? { distr: 3, log: 10 } : { range: (_, low, high) => reach(low, high, top) },
    },
    axes: [
      { ...axis, grid: { show: false }, values: timeLabels, incrs: TIME_STEPS, space: 70, size: 40, gap: 6 },
      {
        ...axis,
        grid: { stroke: paint.grid, width: 1 },
        values: (_, splits) => splits.map((value) => (value === null ? "" : label(value))),
        size: (u, values) => Math.max(34, ...(values ?? []).map((value) => 14 + value.length * 7)),
        gap: 6,
        space: 42,
      },
    ],
  };
}

function reach(low, high, top) {
  if (low === null || high === null) return [0, 1];
  const highest = top === null ? high : Math.max(high, top);
  const least = Math.min(0, low);
  const room = (highest - least) * 0.06 || Math.abs(highest) * 0.1 || 1;
  return [least < 0 ? least - room : 0, highest + room];
}

/** A chart that is made anew when its shape, its width or the colours change, and fed otherwise. */
export class Plot {
  constructor(element, options) {
    this.element = element;
    this.options = options;
    this.shape = null;
    this.plot = null;
    new ResizeObserver(() => this.resize()).observe(element);
    document.addEventListener("themechange", () => this.again());
  }

  show(shape, data) {
    this.data = data;
    if (this.plot && this.shape === shape) {
      this.plot.setData(data);
      return;
    }
    this.shape = shape;
    this.again();
  }

  again() {
    if (!this.data || !this.element.clientWidth) return;
    this.plot?.destroy();
    this.plot = new uPlot(this.options(), this.data, this.element);
  }

  clear() {
    this.plot?.destroy();
    this.plot = null;
    this.shape = null;
  }

  resize() {
    const width = this.element.clientWidth;
    if (!width) return;
    if (!this.plot) this.again();
    else if (width !== this.plot.width || this.element.clientHeight !== this.plot.height) {
      this.plot.setSize({ width, height: this.element.clientHeight });
    }
  }
}

export const bars = () => uPlot.paths.bars({ size: [0.82, 48], align: 0, radius: 0 });
export const lines = () => uPlot.paths.linear();

/** Keep a tooltip inside its chart, beside the cursor. */
export function place(tip, u, left) {
  const over = u.over;
  const x = over.offsetLeft + left;
  const wide = tip.offsetWidth;
  const right = x + 14 + wide <= u.root.clientWidth;
  const at = right ? x + 14 : x - 14 - wide;
  tip.style.left = `${Math.max(0, Math.min(at, u.root.clientWidth - wide))}px`;
  tip.style.top = `${over.offsetTop + 8}px`;
}
