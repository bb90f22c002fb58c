// The newest dead letters: when, where and why. What they contain stays in the queue.

import { byId, h, keyed, setText, showState } from "./dom.js";
import { count, moment, visible } from "./format.js";

export function showLetters(answer) {
  const list = byId("letters-list");
  const none = answer.waiting === 0 && !answer.letters.length;
  showState(byId("letters-state"), list, none ? { title: "No dead letters", text: "Every record could be taken by every sink." } : null);
  setText(byId("letters-about"), none ? "" : about(answer));
  if (none) return;
  if (!list.firstElementChild) {
    const head = ["when", "sink", "what", "reason"].map((name) => h("th", { scope: "col" }, name));
    const caption = h("caption", { class: "unseen" }, "The newest dead letters");
    list.append(h("table", { class: "data" }, caption, h("thead", {}, h("tr", {}, head)), h("tbody")));
  }
  keyed(list.querySelector("tbody"), answer.letters, (letter) => letter.id, make, () => {});
}

function about(answer) {
  const shown = answer.letters.length < answer.waiting ? ` The newest ${count(answer.letters.length)} of ${count(answer.read)} that were looked at:` : "";
  const noun = answer.waiting === 1 ? "message waits" : "messages wait";
  return `${count(answer.waiting)} ${noun} in the queue.${shown} “sluice dlq list” shows more, “sluice dlq redrive” sends them again.`;
}

function make(letter) {
  const about = [letter.type, letter.field].filter((part) => part !== null && part !== undefined).map(visible).join(" · ");
  const kind = h("span", { class: `badge ${letter.kind === "crash" ? "bad" : "warn"}` }, letter.kind);
  const when = letter.failed_at ? moment(Date.parse(letter.failed_at) / 1000) : "–";
  return h("tr", {}, h("td", { class: "num" }, when), h("td", {}, letter.sink ?? "–"), h("td", {}, kind, " ", h("bdi", {}, about)), h("td", { class: "reason" }, h("bdi", {}, visible(letter.reason))));
}
