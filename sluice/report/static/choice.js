// What the reader has chosen. It lives in the address, so that a link shows the same to somebody else.

const FIELDS = ["metric", "figure", "range", "since", "until"];

export class Choice {
  constructor() {
    this.read();
    addEventListener("hashchange", () => {
      if (this.written === location.hash) return;
      this.read();
      this.changed();
    });
    this.changed = () => {};
  }

  read() {
    const given = new URLSearchParams(location.hash.slice(1));
    for (const field of FIELDS) this[field] = given.get(field);
    this.range ??= "1h";
    this.group = {};
    try {
      const group = JSON.parse(given.get("group") ?? "{}");
      if (group && typeof group === "object" && !Array.isArray(group)) this.group = group;
    } catch {
      // an address that somebody typed wrongly filters nothing
    }
  }

  /** Take over some changes, and tell. */
  set(changes) {
    Object.assign(this, changes);
    const query = new URLSearchParams();
    for (const field of FIELDS) if (this[field]) query.set(field, this[field]);
    if (Object.keys(this.group).length) query.set("group", JSON.stringify(this.group));
    this.written = `#${query}`;
    history.replaceState(null, "", this.written);
    this.changed();
  }

  get time() {
    return this.range === "custom" ? { since: this.since, until: this.until } : { range: this.range };
  }

  get question() {
    const group = Object.keys(this.group).length ? JSON.stringify(this.group) : null;
    return { metric: this.metric, figure: this.figure, group, ...this.time };
  }
}
