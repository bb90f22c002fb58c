// The chart of one metric: stacked bars where groups add up, lines where they do not; provisional windows hatched.

import { h } from "./dom.js";
import { exact, groupName, span } from "./format.js";
import { bars, colour, colours, frame, lines, place, Plot } from "./plot.js";

/** Pixels a step must have for its bar's outline: narrower ones would be all outline. */
const LEAST_COLUMN = 5;

export class WindowsChart {
  constructor(element, said) {
    this.element = element;
    this.said = said;
    this.plot = new Plot(element, () => this.options());
    this.tip = h("div", { class: "tip", "aria-hidden": "true", hidden: true });
    element.append(this.tip);
    element.addEventListener("keydown", (event) => this.key(event));
    element.addEventListener("blur", () => this.leave());
    element.addEventListener("mouseleave", () => this.leave());
  }

  /** Draw an answer of the server; `slots` gives each group its colour. */
  show(answer, slots) {
    this.answer = answer;
    const times = [];
    for (let time = answer.begin; time < answer.end; time += answer.step) times.push(time);
    this.times = times;
    this.parts = answer.series.map((each) => ({ ...each, name: groupName(each.group), slot: slots(each.group) }));
    if (answer.other) this.parts.push({ name: `${answer.groups - answer.series.length} others`, values: answer.other, slot: 0 });
    if (!this.parts.length) this.parts = [{ name: "All", values: answer.total, slot: 1 }];
    const negative = this.parts.some((part) => part.values.some((value) => value < 0));
    this.stacked = answer.figure.style === "bars" && !negative;
    const soft = new Set(answer.provisional);
    this.soft = times.findIndex((time) => soft.has(time));
    const middle = times.map((time) => time + answer.step / 2);
    const drawn = this.stacked ? stack(this.parts) : this.parts.map((part) => part.values);
    const shape = JSON.stringify([this.stacked, this.parts.map((part) => part.slot), answer.step]);
    this.plot.show(shape, [middle, ...drawn]);
    if (this.focused !== undefined && this.focused !== null) this.tell(this.focused, false);
  }

  clear() {
    this.plot.clear();
    this.leave();
  }

  options() {
    const paint = colours();
    const common = frame(this.element, { begin: () => this.answer.begin, end: () => this.answer.end });
    const parts = this.stacked ? [...this.parts].reverse() : this.parts;
    const series = parts.map((part) => {
      const ink = colour(part.slot);
      return this.stacked
        ? { stroke: (u) => (this.column(u) < LEAST_COLUMN ? ink : paint.ground), width: 0.5, fill: ink, paths: bars(), points: { show: false } }
        : { stroke: ink, width: 2, paths: lines(), spanGaps: false, points: { show: this.lonely(part), size: 5, fill: ink, stroke: ink } };
    });
    return {
      ...common,
      series: [{}, ...series],
      hooks: {
        drawClear: [(u) => this.band(u)],
        draw: [(u) => this.hatch(u)],
        setCursor: [(u) => this.hover(u)],
      },
    };
  }

  column(u) {
    return u.bbox.width / devicePixelRatio / this.times.length;
  }

  /** Points without neighbours would not be seen as a line. */
  lonely(part) {
    return part.values.some((value, at) => value !== null && (part.values[at - 1] ?? null) === null && (part.values[at + 1] ?? null) === null);
  }

  softRegion(u) {
    if (this.soft < 0) return null;
    const left = Math.max(u.valToPos(this.times[this.soft], "x", true), u.bbox.left);
    return { left, top: u.bbox.top, width: u.bbox.left + u.bbox.width - left, height: u.bbox.height };
  }

  band(u) {
    const region = this.softRegion(u);
    if (!region || this.stacked) return;
    u.ctx.save();
    u.ctx.globalAlpha = 0.5;
    u.ctx.fillStyle = colours().grid;
    u.ctx.fillRect(region.left, region.top, region.width, region.height);
    u.ctx.restore();
  }

  hatch(u) {
    const region = this.softRegion(u);
    if (!region) return;
    const ctx = u.ctx;
    const scale = devicePixelRatio;
    const paint = colours();
    ctx.save();
    if (this.stacked) {
      ctx.beginPath();
      ctx.rect(region.left, region.top, region.width, region.height);
      ctx.clip();
      ctx.strokeStyle = paint.ground;
      ctx.globalAlpha = 0.62;
      ctx.lineWidth = 2.4 * scale;
      ctx.beginPath();
      const bottom = region.top + region.height;
      for (let x = region.left - region.height; x < region.left + region.width; x += 6 * scale) {
        ctx.moveTo(x, bottom);
        ctx.lineTo(x + region.height, region.top);
      }
      ctx.stroke();
    }
    ctx.restore();
    ctx.save();
    ctx.strokeStyle = paint.text;
    ctx.setLineDash([3 * scale, 3 * scale]);
    ctx.lineWidth = scale;
    ctx.beginPath();
    ctx.moveTo(region.left, region.top - 8 * scale);
    ctx.lineTo(region.left, region.top + region.height);
    ctx.stroke();
    ctx.fillStyle = paint.text;
    ctx.font = `${11 * scale}px system-ui, sans-serif`;
    const wide = ctx.measureText("provisional").width;
    const fits = region.width > wide + 6 * scale;
    ctx.textAlign = fits ? "left" : "right";
    ctx.fillText("provisional", region.left + (fits ? 5 : -5) * scale, region.top - 2 * scale);
    ctx.restore();
  }

  hover(u) {
    const at = u.cursor.idx;
    if (at === null || at === undefined || u.cursor.left < 0) {
      this.tip.hidden = true;
      return;
    }
    this.fill(at);
    this.tip.hidden = false;
    place(this.tip, u, u.cursor.left);
  }

  fill(at) {
    const begin = this.times[at];
    const soft = this.answer.provisional.includes(begin);
    const rows = this.parts.map((part) => ({ ...part, value: part.values[at] })).filter((part) => part.value);
    if (!this.stacked) rows.sort((a, b) => b.value - a.value);
    const lines = rows.map((part) =>
      h("tr", {}, h("td", {}, h("span", { class: `swatch s${part.slot}` }), h("bdi", {}, part.name)), h("td", {}, number(part.value))));
    if (this.parts.length > 1 && this.answer.total[at] !== null) {
      lines.push(h("tr", { class: "sum" }, h("td", {}, "All"), h("td", {}, number(this.answer.total[at]))));
    }
    this.tip.replaceChildren(
      h("div", { class: "when" }, span(begin, begin + this.answer.step), soft ? h("span", { class: "badge warn" }, " provisional") : null),
      lines.length ? h("table", {}, h("tbody", {}, lines)) : h("div", { class: "muted" }, "No events"),
    );
  }

  key(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 };
    const last = this.times ? this.times.length - 1 : -1;
    if (last < 0) return;
    let at = this.focused ?? last + 1;
    if (event.key in steps) at += steps[event.key];
    else if (event.key === "Home") at = 0;
    else if (event.key === "End") at = last;
    else if (event.key === "Escape") return this.leave();
    else return;
    event.preventDefault();
    this.tell(Math.max(0, Math.min(at, last)), true);
  }

  tell(at, aloud) {
    const u = this.plot.plot;
    if (!u || at >= this.times.length) return;
    this.focused = at;
    u.setCursor({ left: u.valToPos(this.times[at] + this.answer.step / 2, "x"), top: 0 });
    if (!aloud) return;
    const begin = this.times[at];
    const said = this.parts.filter((part) => part.values[at]).map((part) => `${part.name} ${number(part.values[at])}`);
    const soft = this.answer.provisional.includes(begin) ? ", provisional" : "";
    this.said.textContent = `${span(begin, begin + this.answer.step)}${soft}: ${said.join(", ") || "no events"}`;
  }

  leave() {
    this.focused = null;
    this.tip.hidden = true;
    this.plot.plot?.setCursor({ left: -10, top: -10 });
  }
}

export const number = (value) => (value === null ? "–" : exact(String(value), Number.isInteger(value) ? "integer" : "float"));

/** Heights that lie on top of each other, the topmost first, so that each bar covers the one before. */
function stack(parts) {
  const sums = parts[0].values.map(() => 0);
  const heights = parts.map((part) => part.values.map((value, at) => (sums[at] += value ?? 0)));
  return heights.reverse();
}

