// Numbers, times and names as people read them, in the browser's language and time zone.

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 20 });
const short = new Intl.NumberFormat(undefined, { notation: "compact", maximumSignificantDigits: 4 });
const rough = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 6 });

/** A figure exactly as it was read, its thousands set apart; floats to six digits (their title has the rest). */
export function exact(text, kind) {
  if (text === null || text === undefined) return "–";
  if (!/^-?\d+(\.\d+)?$/.test(text)) return plain(text, kind);
  const digits = text.replace(/\D/g, "").replace(/^0+/, "").length;
  if (kind === "float" && digits > 6) return rough.format(Number(text));
  return grouped(text);
}

function grouped(text) {
  const [, sign, before, after] = /^(-?)(\d+)(\.\d+)?$/.exec(text);
  const point = whole.format(1.5).replace(/\d/g, "");
  const integer = whole.format(BigInt(before));
  return (sign ? "−" : "") + integer + (after ? point + after.slice(1) : "");
}

function plain(text, kind) {
  if (/^-?[\d.]+e[+-]?\d+$/i.test(text)) return rough.format(Number(text));
  if (kind === "moment" && !Number.isNaN(Date.parse(text))) return moment(Date.parse(text) / 1000);
  return text;
}

export const compact = (number) => (number === null || number === undefined ? "–" : short.format(number));
export const count = (number) => whole.format(number);
export const records = (number) => `${whole.format(number)} ${number === 1 ? "record" : "records"}`;

const formats = new Map();
function timeFormat(options) {
  const key = JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(undefined, options));
  return formats.get(key);
}

const CLOCK = { hour: "2-digit", minute: "2-digit" };
const SECONDS = { ...CLOCK, second: "2-digit" };
const DAY = { month: "short", day: "numeric" };

const at = (seconds) => new Date(seconds * 1000);
const dayOf = (seconds) => at(seconds).toDateString();

export function clock(seconds, step = 60) {
  return timeFormat(step % 60 || seconds % 60 ? SECONDS : CLOCK).format(at(seconds));
}

export const day = (seconds) => timeFormat(DAY).format(at(seconds));

/** A moment; its day only where that is not today, its seconds only where there are some. */
export function moment(seconds) {
  const time = clock(Math.floor(seconds));
  return dayOf(seconds) === new Date().toDateString() ? time : `${day(seconds)}, ${time}`;
}

/** A window or step: `10:00 – 10:15`, with its day where that is not today. */
export function span(begin, end) {
  const step = end - begin;
  if (step % 86400 === 0) return step === 86400 ? day(begin) : `${day(begin)} – ${day(end - 1)}`;
  const times = `${clock(begin, step)} – ${clock(end, step)}`;
  return dayOf(begin) === new Date().toDateString() ? times : `${day(begin)}, ${times}`;
}

/** `15 min`, `30 s`, `1 h`. */
export function duration(seconds) {
  for (const [unit, length] of [["d", 86400], ["h", 3600], ["min", 60]]) {
    if (seconds >= length && seconds % length === 0) return `${seconds / length} ${unit}`;
  }
  return seconds >= 3600 ? `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min` : `${seconds} s`;
}

export function milliseconds(value) {
  if (value === null || value === undefined) return "–";
  return value < 1000 ? `${Math.round(value)} ms` : value < 60000 ? `${rough.format(Number((value / 1000).toPrecision(3)))} s` : duration(Math.round(value / 60000) * 60);
}

/** How long ago, in words that need no reading twice. */
export function ago(seconds) {
  if (seconds < 2) return "just now";
  if (seconds < 90) return `${Math.round(seconds)} s ago`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min ago` : `${Math.round(seconds / 3600)} h ago`;
}

export const words = (name) => name.replaceAll("_", " ");

// Controls, and the marks that turn the direction of what follows, would let a name pose as something else.
const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** A group's value as text on one line; nothing that cannot be seen. */
export function visible(value) {
  if (value === null) return NOTHING;
  if (value === "") return "“”";
  const shown = value.replace(HIDDEN, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return shown === NOTHING ? `“${shown}”` : shown;
}

export const NOTHING = "no value";

/** A group of several fields. */
export const groupName = (group) => (group.length ? group.map(visible).join(" · ") : "All");
