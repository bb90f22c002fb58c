// The newest dead letters: when, where and why. What they contain stays in the queue.

import { byId, h, keyed, setText, showState } from "./dom.js";
import { count, moment, visible } from "./format.js";

const FEW = 8;
let last = null;

export function showLetters(answer) {
  last = answer;
  const list = byId("letters-list");
  const none = answer.waiting === 0 && !answer.letters.length;
  showState(byId("letters-state"), list, none ? { title: "No dead letters", text: "Every record could be taken by every sink." } : null);
  setText(byId("letters-about"), none ? "" : about(answer));
  if (none) return undefined;
  if (!list.firstElementChild) {
    const head = ["newest", "sink", "what", "reason", "records"].map((name) => h("th", { scope: "col", class: name === "records" ? "num" : null }, name));
    const caption = h("caption", { class: "unseen" }, "The newest dead letters");
    list.append(h("table", { class: "data" }, caption, h("thead", {}, h("tr", {}, head)), h("tbody")));
  }
  const groups = alike(answer.letters);
  const shown = list.dataset.all ? groups : groups.slice(0, FEW);
  keyed(list.querySelector("tbody"), shown, (group) => group.key, make, update);
  let more = list.querySelector("button");
  if (groups.length <= shown.length) return more?.remove();
  if (!more) {
    more = h("button", { type: "button", class: "button more", onclick: () => unfold(list) });
    list.append(more);
  }
  setText(more, `Show ${count(groups.length - shown.length)} more`);
  return undefined;
}

function unfold(list) {
  list.dataset.all = "1";
  showLetters(last);
}

/** Letters that differ in nothing but their record, as one, the newest first. */
function alike(letters) {
  const groups = new Map();
  for (const letter of letters) {
    const key = JSON.stringify([letter.sink, letter.kind, letter.type, letter.field, letter.reason]);
    const group = groups.get(key);
    if (group) group.count += letter.count;
    else groups.set(key, { ...letter, key });
  }
  return [...groups.values()];
}

function about(answer) {
  const shown = answer.letters.length < answer.waiting ? ` The newest ${count(answer.letters.length)} of ${count(answer.read)} that were looked at:` : "";
  const noun = answer.waiting === 1 ? "message waits" : "messages wait";
  return `${count(answer.waiting)} ${noun} in the queue.${shown} “sluice dlq list” shows more, “sluice dlq redrive” sends them again.`;
}

function update(row, group) {
  const [when, , , , times] = row.children;
  setText(when, group.failed_at ? moment(Math.floor(Date.parse(group.failed_at) / 1000)) : "–");
  setText(times, count(group.count));
}

function make(letter) {
  const about = [letter.type, letter.field].filter((part) => part !== null && part !== undefined).map(visible).join(" · ");
  const kind = h("span", { class: `badge ${letter.kind === "crash" ? "bad" : "warn"}` }, letter.kind);
  return h("tr", {}, h("td", { class: "when" }), h("td", {}, letter.sink ?? "–"), h("td", {}, kind, " ", h("bdi", { class: "clamp" }, about)), h("td", { class: "reason" }, h("bdi", { class: "clamp", title: letter.reason }, visible(letter.reason))), h("td", { class: "num" }));
}
