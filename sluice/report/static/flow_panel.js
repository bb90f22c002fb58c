// The pipeline: where every record is, how many a second, how fast.

import { byId, h, keyed, setText, showState } from "./dom.js";
import { compact, count, milliseconds, moment, records, span } from "./format.js";
import { colour, frame, lines, place, Plot } from "./plot.js";

const STATES = [
  ["delivered", "delivered", "delivered"],
  ["skipped", "skipped", "skipped"],
  ["dead_lettered", "dead-lettered", "dead"],
  ["in_flight", "on their way", "flight"],
];
const SLOTS = [3, 1, 4, 2, 6, 7, 5, 8];

export class FlowPanel {
  constructor() {
    this.rate = new FlowChart(byId("rate"), (sink) => [[sink.rate, []]], (value) => `${compact(value)}/s`);
    this.latency = new FlowChart(byId("latency"), (sink) => [[sink.p50, [], "p50"], [sink.p99, [4, 4], "p99"]], milliseconds);
  }

  show(answer) {
    const any = answer.sinks.some((sink) => sink.records) || answer.balance.produced;
    const waits = answer.sinks.length
      ? { title: "Nothing went through in this time", text: "Throughput, latency and the balance show up here as soon as records arrive." }
      : { title: "No sinks", text: "This pipeline delivers to nothing yet." };
    showState(byId("flow-state"), byId("flow-body"), any ? null : waits);
    const whole = answer.asked === null || answer.begin <= answer.asked + answer.step;
    setText(byId("flow-about"), `By the delivery ledger, since ${moment(answer.begin)}${whole ? "" : ": as far back as this page reads it"}.`);
    if (!any) return;
    this.balance(answer.balance);
    this.rate.show(answer);
    this.latency.show(answer);
    const names = answer.sinks.map((sink, at) => [sink, SLOTS[at % SLOTS.length]]);
    key(byId("rate-key"), names, (sink) => sink.sink);
    key(byId("latency-key"), names, (sink) => `${sink.sink} ${milliseconds(sink.whole.p50)} / ${milliseconds(sink.whole.p99)}`);
  }

  balance(balance) {
    const parent = byId("balance");
    if (balance.produced === null) return parent.replaceChildren(h("p", { class: "muted" }, "The stream's own count is a few minutes late; the balance follows."));
    const items = [...balance.sinks.map((sink) => ({ key: sink.sink, sink })), { key: "#note", note: true }];
    keyed(parent, items, (item) => item.key, (item) => (item.note ? h("p", { class: "muted" }) : make()), (element, item) => {
      if (item.note) setText(element, note(balance));
      else update(element, item.sink, balance.produced);
    });
    return undefined;
  }
}

function key(parent, names, label) {
  keyed(parent, names, ([sink]) => sink.sink, ([, slot]) => h("span", {}, h("span", { class: `swatch s${slot}` }), h("span")), (element, [sink]) => setText(element.lastChild, label(sink)));
}

function note(balance) {
  const until = balance.until === null ? "now" : moment(balance.until);
  return `${records(balance.produced)} arrived in the stream from ${moment(balance.since)} to ${until}, by its own metric. “sluice audit” also counts what the sinks themselves hold.`;
}

function make() {
  const bar = h("svg", { viewBox: "0 0 100 1", preserveAspectRatio: "none", "aria-hidden": "true" }, ...STATES.map(([, , name]) => h("rect", { class: `f-${name}`, y: "0", height: "1" })));
  return h("div", { class: "sink" }, h("div", { class: "sink-head" }, h("span", { class: "name" }), h("span", { class: "badge" }), h("span", { class: "parts" })), bar);
}

function update(element, sink, produced) {
  const [head, bar] = element.children;
  const [name, badge, parts] = head.children;
  setText(name, sink.sink);
  const [kind, verdict] = judge(sink);
  badge.className = `badge ${kind}`;
  setText(badge, verdict);
  const shown = STATES.filter(([state]) => sink[state] || state === "delivered");
  const key = JSON.stringify(shown.map(([state]) => [state, sink[state]]));
  if (parts.dataset.key !== key) {
    parts.dataset.key = key;
    parts.replaceChildren(...shown.map(([state, label, colourName]) => h("span", { class: "part" }, h("span", { class: `swatch k-${colourName}` }), `${count(sink[state])} ${label}`)));
  }
  const whole = Math.max(produced, STATES.reduce((sum, [state]) => sum + sink[state], 0), 1);
  let x = 0;
  STATES.forEach(([state], at) => {
    const width = (100 * sink[state]) / whole;
    bar.children[at].setAttribute("x", x.toFixed(3));
    bar.children[at].setAttribute("width", (width && Math.max(width, 0.4)).toFixed(3));
    x += width;
  });
}

function judge(sink) {
  if (sink.surplus) return ["", "the stream's count is catching up"];
  if (sink.in_flight) return ["warn", `${records(sink.in_flight)} on ${sink.in_flight === 1 ? "its" : "their"} way`];
  return ["good", "every record accounted for"];
}

/** A line of one or two points is hardly seen. */
const few = (values) => values.filter((value) => value !== null).length < 8;

class FlowChart {
  constructor(element, columns, label) {
    this.element = element;
    this.columns = columns;
    this.label = label;
    this.plot = new Plot(element, () => this.options());
    this.tip = h("div", { class: "tip", "aria-hidden": "true", hidden: true });
    element.append(this.tip);
    element.addEventListener("mouseleave", () => (this.tip.hidden = true));
  }

  show(answer) {
    this.answer = answer;
    this.series = answer.sinks.flatMap((sink, at) => this.columns(sink).map(([values, dash, name]) => ({ sink: sink.sink, values, dash, name, slot: SLOTS[at % SLOTS.length] })));
    const times = Array.from({ length: (answer.end - answer.begin) / answer.step }, (_, at) => answer.begin + (at + 0.5) * answer.step);
    this.plot.show(JSON.stringify(this.series.map((each) => [each.sink, each.name])), [times, ...this.series.map((each) => each.values)]);
  }

  options() {
    return {
      ...frame(this.element, { begin: () => this.answer.begin, end: () => this.answer.end, label: this.label }),
      series: [{}, ...this.series.map((each) => ({ stroke: colour(each.slot), width: 1.75, dash: each.dash, paths: lines(), spanGaps: true, points: { show: few(each.values), size: 5, fill: colour(each.slot) } }))],
      hooks: { setCursor: [(u) => this.hover(u)] },
    };
  }

  hover(u) {
    const at = u.cursor.idx;
    this.tip.hidden = at === null || at === undefined || u.cursor.left < 0;
    if (this.tip.hidden) return;
    const begin = this.answer.begin + at * this.answer.step;
    const rows = this.series.map((each) => h("tr", {}, h("td", {}, h("span", { class: `swatch s${each.slot}` }), [each.sink, each.name].filter(Boolean).join(" ")), h("td", {}, each.values[at] === null ? "–" : this.label(each.values[at]))));
    this.tip.replaceChildren(h("div", { class: "when" }, span(begin, begin + this.answer.step)), h("table", {}, h("tbody", {}, rows)));
    place(this.tip, u, u.cursor.left);
  }
}
