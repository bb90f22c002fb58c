// One input for each field that a metric is grouped by. The server finds the values, so ten thousand are no burden.

import { ask } from "./api.js";
import { h, keyed } from "./dom.js";
import { NOTHING, visible, words } from "./format.js";

const WAIT = 150;

export class Filters {
  constructor(parent, choice) {
    this.parent = parent;
    this.choice = choice;
    this.known = new Map();
    this.turns = new Map();
  }

  show(metric) {
    this.metric = metric;
    keyed(this.parent, metric.by, (name) => `${metric.id}/${name}`, (name) => this.make(name), (element, name) => this.update(element, name));
  }

  make(name) {
    const list = h("datalist", { id: `values-${name}` });
    const input = h("input", {
      type: "text", list: list.id, placeholder: "all", autocomplete: "off", spellcheck: "false", "aria-label": `Only where ${words(name)} is`,
      oninput: () => this.typed(name, input, list),
      onfocus: () => this.offer(name, "", list),
      onchange: () => this.take(name, input),
      onkeydown: (event) => event.key === "Escape" && this.drop(name),
    });
    const clear = h("button", { type: "button", class: "clear", "aria-label": `All values of ${words(name)}`, onclick: () => this.drop(name) }, "×");
    return h("label", { class: "field" }, h("span", {}, words(name)), h("span", { class: "with-clear" }, input, clear), list);
  }

  update(element, name) {
    const set = name in this.choice.group;
    element.classList.toggle("set", set);
    element.querySelector(".clear").hidden = !set;
    const input = element.querySelector("input");
    if (document.activeElement !== input || set) {
      const shown = set ? visible(this.choice.group[name]) : "";
      if (document.activeElement !== input && input.value !== shown) input.value = shown;
      if (set) element.classList.remove("wrong");
    }
  }

  typed(name, input, list) {
    if (this.values(name).has(input.value)) return this.take(name, input);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.offer(name, input.value, list), WAIT);
  }

  values(name) {
    const key = `${this.metric.id}/${name}`;
    if (!this.known.has(key)) this.known.set(key, new Map());
    return this.known.get(key);
  }

  async offer(name, typed, list) {
    const turn = (this.turns.get(name) ?? 0) + 1;
    this.turns.set(name, turn);
    try {
      const { data } = await ask("values", { metric: this.metric.id, field: name, q: typed, ...this.choice.time });
      for (const value of data.values) this.values(name).set(visible(value), value);
      if (turn !== this.turns.get(name)) return; // overtaken by what was typed since
      list.replaceChildren(...data.values.map((value) => h("option", { value: visible(value) })));
    } catch {
      // the input takes a value that is typed whole all the same
    }
  }

  take(name, input) {
    const typed = input.value;
    if (typed === "") return this.drop(name);
    const known = this.values(name);
    const value = known.has(typed) ? known.get(typed) : typed === NOTHING ? null : typed;
    if (this.choice.group[name] === value && name in this.choice.group) return undefined;
    return this.choice.set({ group: { ...this.choice.group, [name]: value } });
  }

  drop(name) {
    const { [name]: _, ...rest } = this.choice.group;
    const input = this.parent.querySelector(`[list="values-${CSS.escape(name)}"]`);
    if (input) input.value = "";
    if (name in this.choice.group) this.choice.set({ group: rest });
  }
}
