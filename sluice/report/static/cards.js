// The metrics at a glance: the newest complete window of each, and how it got there.

import { byId, h, keyed, light, setText } from "./dom.js";
import { compact, duration, exact, span, words } from "./format.js";

const LONGEST = 12;

export function showCards(metrics, choice) {
  keyed(byId("cards"), metrics, (metric) => metric.id, (metric) => make(metric, choice), (card, metric) => update(card, metric, choice));
}

export function showOthers(others, choice) {
  byId("others").hidden = !others.length;
  keyed(
    byId("other-list"), others, (metric) => metric.id,
    (metric) => h("li", {}, h("button", { type: "button", class: "button", onclick: () => choose(choice, metric.id) })),
    (item, metric) => setText(item.firstElementChild, metric.state === "removed" ? words(metric.name) : `${words(metric.name)}, earlier definition`),
  );
}

function choose(choice, id) {
  choice.set({ metric: id, figure: null, group: {} });
  const panel = byId("metric");
  const box = panel.getBoundingClientRect();
  if (box.top > innerHeight * 0.6 || box.top < 0) panel.scrollIntoView({ block: "start", behavior: "smooth" });
}

function make(metric, choice) {
  const shape = h("svg", { viewBox: "0 0 100 30", preserveAspectRatio: "none", "aria-hidden": "true" }, h("path", { class: "area" }), h("path", { class: "stroke" }));
  return h(
    "button", { type: "button", class: "card", onclick: () => choose(choice, metric.id) },
    h("span", { class: "name" }), h("span", { class: "value" }), h("span", { class: "about" }), shape,
  );
}

function update(card, metric, choice) {
  card.setAttribute("aria-pressed", String(choice.metric === metric.id));
  const [name, value, about, shape] = card.children;
  setText(name, words(metric.name));
  const figure = metric.figures.find((each) => each.name === metric.figure);
  const found = metric.newest ?? metric.open;
  if (setText(value, found ? headline(found.value, figure.kind) : "–")) light(value);
  value.title = found?.value ?? "";
  const soft = found && !metric.newest ? "provisional, " : "";
  setText(about, found ? `${words(figure.label)}, ${soft}${span(found.start, found.end)}` : `${words(figure.label)} per ${duration(metric.window)}: none lately`);
  spark(shape, metric.spark);
}

function headline(text, kind) {
  const whole = exact(text, kind);
  return whole.length > LONGEST && !Number.isNaN(Number(text)) ? compact(Number(text)) : whole;
}

function spark(shape, values) {
  const numbers = values.filter((value) => value !== null);
  const most = Math.max(...numbers, 0);
  const least = Math.min(...numbers, 0);
  const height = most - least || 1;
  const points = values.map((value, at) => (value === null ? null : [(100 * at) / (values.length - 1), 28 - (26 * (value - least)) / height])).filter(Boolean);
  const line = points.map(([x, y], at) => `${at ? "L" : "M"}${x.toFixed(2)} ${y.toFixed(2)}`).join("");
  const [area, stroke] = shape.children;
  stroke.setAttribute("d", line);
  area.setAttribute("d", points.length ? `${line}L${points.at(-1)[0].toFixed(2)} 30L${points[0][0].toFixed(2)} 30Z` : "");
}
