// One metric: pickers, headline figures, chart, groups.

import { download } from "./api.js";
import { byId, h, keyed, light, setText, showState } from "./dom.js";
import { count, duration, exact, groupName, moment, span, words } from "./format.js";
import { Filters } from "./filters.js";
import { number, WindowsChart } from "./windows_chart.js";

const SLOTS = 8;

export class MetricPanel {
  constructor(choice) {
    this.choice = choice;
    this.chart = new WindowsChart(byId("chart"), byId("chart-said"));
    this.filters = new Filters(byId("filters"), choice);
    this.slots = new Map();
    this.figure = byId("figure");
    this.figure.addEventListener("change", () => choice.set({ figure: this.figure.value }));
    byId("download").addEventListener("click", (event) => this.save(event));
    byId("as-table").addEventListener("toggle", () => this.table());
  }

  /** Take the metric that is chosen, before its windows are read. */
  prepare(metric) {
    this.metric = metric;
    byId("metric").hidden = !metric;
    if (!metric) return;
    setText(byId("metric-title"), words(metric.name));
    const title = byId("metric-title");
    if (metric.state !== "current") {
      const why = metric.state === "removed" ? "no longer in the pipeline" : "an earlier definition";
      title.append(" ", h("span", { class: "badge warn" }, why));
    }
    const parts = [metric.description, `Windows of ${duration(metric.window)}`];
    if (metric.by.length) parts.push(`by ${metric.by.map(words).join(", ")}`);
    if (metric.where) parts.push(`where ${metric.where}`);
    if (metric.dedupe) parts.push("each event once");
    if (metric.lateness) parts.push(`open to late events for ${duration(metric.lateness)}`);
    setText(byId("metric-about"), parts.filter(Boolean).join(" · "));
    const wanted = this.choice.figure ?? metric.figures[0].name;
    const names = metric.figures.map((figure) => figure.name).join("\n");
    if (this.figure.dataset.names !== metric.id + names) {
      this.figure.dataset.names = metric.id + names;
      this.figure.replaceChildren(...metric.figures.map((each) => h("option", { value: each.name }, words(each.label))));
      this.slots.clear();
    }
    if (this.figure.value !== wanted) this.figure.value = wanted;
    this.filters.show(metric);
  }

  show(answer) {
    this.answer = answer;
    const state = byId("metric-state");
    const body = byId("metric-body");
    if (answer.empty) {
      this.chart.clear();
      showState(state, body, this.emptiness());
      return;
    }
    showState(state, body, null);
    this.stats(answer);
    const drawn = answer.figure.style === "bars" || answer.figure.style === "line";
    byId("chart").hidden = !drawn;
    byId("as-table").hidden = !drawn;
    if (drawn) {
      this.colours(answer);
      byId("chart").setAttribute(
        "aria-label",
        `Chart of ${words(answer.figure.label)} from ${moment(answer.begin)} to ${moment(answer.end)}; the arrow keys go through its windows`,
      );
      this.chart.show(answer, (group) => this.slots.get(JSON.stringify(group)) ?? 0);
      this.table();
    }
    this.notes(answer);
    this.groups(answer);
  }

  emptiness() {
    const filtered = Object.keys(this.choice.group).length > 0;
    if (filtered) {
      return {
        title: "Nothing fits this filter", text: "No window of this time range has such a group.",
        action: { label: "Show all groups", run: () => this.choice.set({ group: {} }) },
      };
    }
    const all = this.choice.range === "all";
    return {
      title: all ? "No windows yet" : "No windows in this time range",
      text: all ? "They show up here by themselves as soon as events arrive." : "Events come into the window of their own time, which may lie further back.",
      action: all ? null : { label: "Show all that is kept", run: () => this.choice.set({ range: "all" }) },
    };
  }

  /** Give each drawn group a colour, and let it keep it for as long as it is drawn. */
  colours(answer) {
    const drawn = answer.series.map((each) => JSON.stringify(each.group));
    for (const key of this.slots.keys()) if (!drawn.includes(key)) this.slots.delete(key);
    const taken = new Set(this.slots.values());
    for (const key of drawn) {
      if (this.slots.has(key)) continue;
      const free = Array.from({ length: SLOTS }, (_, at) => at + 1).find((slot) => !taken.has(slot)) ?? 0;
      taken.add(free);
      this.slots.set(key, free);
    }
  }

  stats(answer) {
    const kind = answer.figure.kind;
    const list = answer.figure.style === "list";
    const parts = [];
    if (!list) {
      parts.push({ key: "whole", label: "Whole range", value: exact(answer.whole, kind), when: `${moment(answer.begin)} – ${answer.end * 1000 > Date.now() ? "now" : moment(answer.end)}` });
      for (const [key, label] of [["complete", "Newest complete window"], ["open", "Provisional window"]]) {
        const found = answer[key];
        if (found) parts.push({ key, label, value: exact(found.value, kind), when: span(found.start, found.end), soft: key === "open" });
      }
    }
    keyed(byId("stats"), parts, (part) => part.key, () => h("div", {}, h("dt"), h("dd"), h("div", { class: "when" })), (element, part) => {
      element.className = part.soft ? "provisional" : "";
      const [label, value, when] = element.children;
      setText(label, part.label);
      const title = part.key === "whole" ? answer.whole : answer[part.key].value;
      if (setText(value, part.value)) light(value);
      value.title = title ?? "";
      setText(when, part.when);
    });
  }

  notes(answer) {
    const notes = [];
    if (answer.step !== answer.window) notes.push(`Each step is ${duration(answer.step)}, merged from windows of ${duration(answer.window)}.`);
    if (answer.figure.error) notes.push(`An estimate: ${answer.figure.error}.`);
    if (answer.figure.style === "line" && answer.groups > answer.series.length) {
      notes.push(`The chart shows the ${answer.series.length} largest of ${count(answer.groups)} groups; this figure does not add up over the others.`);
    }
    if (answer.late) notes.push(`${count(answer.late)} ${answer.late === 1 ? "event" : "events"} came after their window had ended, and are counted in it.`);
    setText(byId("legend-notes"), notes.join(" "));
  }

  groups(answer) {
    const parent = byId("groups");
    const rows = answer.figure.style === "list" ? this.listed(answer) : answer.table;
    if (!rows.length) {
      delete parent.dataset.key;
      return parent.replaceChildren();
    }
    const head = answer.figure.style === "list" ? [words(answer.figure.label)] : answer.fields.map(words);
    const values = rows.map((row) => Math.abs(row.number ?? 0));
    const most = Math.max(...values, 1e-300);
    const key = `${answer.metric}/${answer.figure.name}/${head.join()}`;
    if (parent.dataset.key !== key) {
      parent.dataset.key = key;
      const columns = h("tr", {}, h("th", { scope: "col" }, head.join(" · ") || "group"), h("th", { scope: "col" }, h("span", { class: "unseen" }, "share")), h("th", { scope: "col", class: "num" }, answer.figure.style === "list" ? "count" : words(answer.figure.label)));
      const caption = h("caption", { class: "unseen" }, "Groups, the largest first, over the whole time range");
      parent.replaceChildren(h("div", { class: "scroll" }, h("table", { class: "data" }, caption, h("thead", {}, columns), h("tbody"))));
    }
    const body = parent.querySelector("tbody");
    keyed(body, rows, (row) => JSON.stringify(row.group), (row) => this.row(row, answer), (element, row) => this.update(element, row, most, answer));
    this.rest(parent, answer);
    return undefined;
  }

  listed(answer) {
    return (answer.values ?? []).map((each) => ({ group: [each.value], value: String(each.count), number: each.count, listed: true }));
  }

  row(row, answer) {
    const name = groupName(row.group);
    const what = h("bdi", { class: row.group.every((value) => value === null) ? "what nothing" : "what" }, name);
    const inner = [h("span", { class: "swatch" }), what];
    const label = row.listed ? inner : h("button", { type: "button", class: "pick", title: `Show only ${name}`, onclick: () => this.pick(row.group, answer.fields) }, inner);
    const shape = h("svg", { viewBox: "0 0 100 1", preserveAspectRatio: "none", "aria-hidden": "true" }, h("rect", { height: "1", x: "0", y: "0" }));
    return h("tr", {}, h("td", { class: "name" }, label), h("td", { class: "bar" }, shape), h("td", { class: "num" }));
  }

  update(element, row, most, answer) {
    const slot = answer.figure.style === "list" ? 1 : this.slots.get(JSON.stringify(row.group)) ?? 0;
    element.querySelector(".swatch").setAttribute("class", answer.figure.style === "list" ? "swatch none" : `swatch s${slot}`);
    const bar = element.querySelector("rect");
    bar.setAttribute("width", String((100 * Math.abs(row.number ?? 0)) / most));
    bar.setAttribute("class", `b${slot}`);
    const cell = element.lastElementChild;
    setText(cell, exact(row.value, answer.figure.kind));
    cell.title = row.value ?? "";
  }

  pick(group, fields) {
    this.choice.set({ group: { ...this.choice.group, ...Object.fromEntries(fields.map((name, at) => [name, group[at]])) } });
  }

  rest(parent, answer) {
    const more = answer.groups - answer.table.length;
    const line = parent.querySelector(".more") ?? h("p", { class: "legend more" });
    const sum = answer.rest === null ? "" : `, together ${exact(answer.rest, answer.figure.kind)}`;
    setText(line, more > 0 && answer.figure.style !== "list" ? `and ${count(more)} more groups${sum}: type into a filter above to find one; the CSV has them all.` : "");
    if (!line.parentElement) parent.append(line);
  }

  /** The chart once more as a table, made only when somebody looks at it. */
  table() {
    const details = byId("as-table");
    if (!details.open || !this.chart.parts) return;
    const { times, parts, answer } = this.chart;
    const head = h("tr", {}, h("th", { scope: "col" }, "window"), ...parts.map((part) => h("th", { scope: "col", class: "num" }, h("bdi", {}, part.name))));
    const soft = new Set(answer.provisional);
    const rows = times.map((time, at) => h("tr", {}, h("th", { scope: "row" }, span(time, time + answer.step) + (soft.has(time) ? " (provisional)" : "")), ...parts.map((part) => h("td", { class: "num" }, number(part.values[at]))))).reverse();
    byId("chart-table").replaceChildren(h("table", { class: "data" }, h("thead", {}, head), h("tbody", {}, rows)));
  }

  async save(event) {
    event.preventDefault();
    const button = byId("download");
    if (button.dataset.busy) return;
    button.dataset.busy = "1";
    setText(button, "Preparing…");
    try {
      const { name, blob } = await download("windows.csv", this.choice.question);
      const url = URL.createObjectURL(blob);
      h("a", { href: url, download: name }).click();
      setTimeout(() => URL.revokeObjectURL(url), 10_000);
    } catch (error) {
      this.failed?.(error);
    } finally {
      delete button.dataset.busy;
      setText(button, "Download CSV");
    }
  }
}

