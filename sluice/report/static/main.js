// The page: asks for what it shows every few seconds while somebody looks at it.

import { ask } from "./api.js";
import { showCards, showOthers } from "./cards.js";
import { Choice } from "./choice.js";
import { byId, h, setText, showState } from "./dom.js";
import { FlowPanel } from "./flow_panel.js";
import { ago, moment } from "./format.js";
import { showLetters } from "./letters_panel.js";
import { session } from "./login.js";
import { MetricPanel } from "./metric_panel.js";

const RANGES = [["15m", "15 min"], ["1h", "1 h"], ["6h", "6 h"], ["24h", "24 h"], ["7d", "7 d"], ["30d", "30 d"], ["all", "All"], ["custom", "…"]];
const FLOW_EVERY = 2;
const LETTERS_EVERY = 5;

const choice = new Choice();
const metricPanel = new MetricPanel(choice);
const flowPanel = new FlowPanel();

let admitted = true;
const state = { turn: 0, poll: 2, heard: null, stale: null, problem: null, overview: null, asking: null };

function chosen() {
  const { metrics, others } = state.overview;
  const all = [...metrics, ...others];
  const found = all.find((metric) => metric.id === choice.metric) ?? all.find((metric) => metric.name === choice.metric);
  return found ?? (choice.metric ? null : metrics[0] ?? others[0]) ?? null;
}

async function overview(signal) {
  const { data, ...rest } = await ask("overview", {}, signal);
  note("overview", rest);
  state.overview = data;
  state.poll = data.poll_seconds;
  document.title = `${data.name} – Sluice`;
  const chip = byId("environment");
  chip.hidden = false;
  setText(chip, `${data.name} · ${data.environment}`);
  const metric = chosen();
  if (metric && choice.metric !== metric.id) choice.metric = metric.id;
  showCards(data.metrics, choice);
  showOthers(data.others, choice);
  metricPanel.prepare(metric);
  const cards = byId("cards");
  const empty = !data.metrics.length && !data.others.length;
  let hint = byId("no-metrics");
  if (empty && !hint) {
    hint = h("div", { id: "no-metrics", class: "panel state" }, h("strong", {}, "No metrics yet"), h("span", {}, "Declare one in ", h("code", {}, "pipeline.py"), ": docs/metrics.md says how. Its windows show up here by themselves."));
    cards.after(hint);
  } else if (!empty) hint?.remove();
  if (!metric && choice.metric) missing();
}

function missing() {
  byId("metric").hidden = false;
  setText(byId("metric-title"), choice.metric);
  setText(byId("metric-about"), "");
  const first = state.overview.metrics[0];
  const action = first ? { label: "Show another one", run: () => choice.set({ metric: first.id, figure: null, group: {} }) } : null;
  showState(byId("metric-state"), byId("metric-body"), { title: "There is no such metric (any more)", text: "It was never computed here, or all of its windows have expired.", action });
}

async function windows(signal) {
  if (!state.overview || !chosen()) return;
  const asked = JSON.stringify(choice.question);
  try {
    const { data, ...rest } = await ask("chart", choice.question, signal);
    if (asked !== JSON.stringify(choice.question)) return;
    note("chart", rest);
    metricPanel.show(data);
  } catch (error) {
    if (!error.wrong || asked !== JSON.stringify(choice.question)) throw error;
    showState(byId("metric-state"), byId("metric-body"), { title: "This cannot be shown", text: error.message, action: { label: "Start over", run: () => choice.set({ figure: null, group: {}, range: "1h" }) } });
  }
}

async function flow(signal) {
  const { data, ...rest } = await ask("flow", choice.time, signal);
  note("flow", rest);
  flowPanel.show(data);
}

async function letters(signal) {
  const { data, ...rest } = await ask("letters", {}, signal);
  note("letters", rest);
  showLetters(data);
}

const problems = new Map();
function note(source, { problem, read_at: at }) {
  if (problem) problems.set(source, { problem, at });
  else problems.delete(source);
}

/** One round: what is due is asked at once, and one failure hides nothing of the others. */
async function round(all = false) {
  state.asking?.abort();
  const control = new AbortController();
  state.asking = control;
  const { signal } = control;
  const due = [overview(signal).then(() => windows(signal))];
  if (all || state.turn % FLOW_EVERY === 0) due.push(flow(signal));
  if (all || state.turn % LETTERS_EVERY === 0) due.push(letters(signal));
  state.turn += 1;
  const results = await Promise.allSettled(due);
  if (signal.aborted) return;
  state.asking = null;
  const failed = results.filter((result) => result.status === "rejected").map((result) => result.reason);
  for (const error of failed) if (error.name === "TypeError" || error.name === "ReferenceError") console.error(error);
  state.problem = failed[0]?.message ?? null;
  if (failed.length < results.length) {
    state.heard = Date.now();
    beat();
  }
  state.lost = failed.length === results.length;
  status();
}

function beat() {
  const live = byId("live");
  live.classList.remove("beat");
  void live.offsetWidth;
  live.classList.add("beat");
}

function status() {
  const oldest = [...problems.values()][0];
  const lost = state.lost;
  const kind = state.heard === null && !lost ? "connecting" : lost ? "lost" : oldest || state.problem ? "stale" : "live";
  byId("live").dataset.state = kind;
  document.body.classList.toggle("lost", lost && state.heard !== null);
  setText(byId("live-state"), { connecting: "Connecting", live: "Live", stale: "Delayed", lost: "Disconnected" }[kind]);
  setText(byId("live-age"), state.heard === null ? "" : `updated ${ago((Date.now() - state.heard) / 1000)}`);
  const notice = byId("notice");
  const text = lost ? `${state.problem}${admitted ? " Trying again;" : " Reload the page to try again;"} ${state.heard === null ? "nothing was read yet." : `this is what was read at ${moment(state.heard / 1000)}.`}` : oldest ? `${sentence(oldest.problem)} What you see was read at ${moment(Date.parse(oldest.at) / 1000)}.` : state.problem;
  notice.hidden = !text;
  notice.classList.toggle("bad", Boolean(lost));
  if (text) setText(notice, text);
}

const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;

function pickers() {
  const ranges = byId("ranges");
  for (const [name, label] of RANGES) {
    const input = h("input", { type: "radio", name: "range", value: name, "aria-label": name === "custom" ? "two moments of my own" : label });
    input.addEventListener("change", () => (name === "custom" ? openCustom() : choice.set({ range: name, since: null, until: null })));
    ranges.append(h("label", {}, input, h("span", { "aria-hidden": "true" }, label)));
  }
  byId("custom").addEventListener("submit", (event) => {
    event.preventDefault();
    const [since, until] = ["since", "until"].map((id) => byId(id).value);
    if (since) choice.set({ range: "custom", since: new Date(since).toISOString(), until: until ? new Date(until).toISOString() : null });
  });
}

function openCustom() {
  byId("custom").hidden = false;
  const local = (date) => new Date(date - date.getTimezoneOffset() * 60000).toISOString().slice(0, 19);
  if (choice.since) {
    byId("since").value = local(new Date(choice.since));
    byId("until").value = choice.until ? local(new Date(choice.until)) : "";
  } else byId("since").value = local(new Date(Date.now() - 3600000));
  byId("since").focus();
}

function showRange() {
  for (const input of byId("ranges").querySelectorAll("input")) input.checked = input.value === choice.range;
  if (choice.range !== "custom") byId("custom").hidden = true;
}

choice.changed = () => {
  showRange();
  if (state.overview) {
    showCards(state.overview.metrics, choice);
    metricPanel.prepare(chosen());
  }
  schedule(0, true);
};

let timer = null;
function schedule(seconds, all = false) {
  clearTimeout(timer);
  timer = setTimeout(async () => {
    if (document.hidden) return;
    await round(all);
    if (!state.asking) schedule(state.lost ? Math.min(10, state.poll * 2) : state.poll);
  }, seconds * 1000);
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && admitted) schedule(0);
});
setInterval(status, 1000);

metricPanel.failed = (error) => {
  state.problem = error.message;
  status();
};
byId("zone").textContent = `Times are those of ${Intl.DateTimeFormat().resolvedOptions().timeZone}.`;
pickers();
showRange();
try {
  await session.begin();
  choice.read();
  showRange();
} catch (error) {
  state.lost = true;
  admitted = !session.login; // who was refused is not sent to the issuer again and again
  state.problem = session.login ? `Signing in did not work: ${error.message}.` : "The server does not answer.";
  status();
}
if (admitted) schedule(0, true);
