// Elements are made here and nowhere else: text becomes text, never markup, whatever a group is called.

const SVG = "http://www.w3.org/2000/svg";
const SVG_TAGS = new Set(["svg", "path", "rect", "polyline", "title"]);

/** Make an element; `props` are attributes (`on...` are listeners), children are nodes or texts. */
export function h(tag, props = {}, ...children) {
  const element = SVG_TAGS.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

export const byId = (id) => document.getElementById(id);

/** Show the items as children of `parent`: the same key keeps its element, and with it the focus. */
export function keyed(parent, items, keyOf, make, update) {
  const had = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let before = null;
  for (const item of items) {
    const key = keyOf(item);
    let child = had.get(key);
    if (child) had.delete(key);
    else {
      child = make(item);
      child.dataset.key = key;
    }
    update(child, item);
    const next = before ? before.nextElementSibling : parent.firstElementChild;
    if (child !== next) parent.insertBefore(child, next);
    before = child;
  }
  for (const child of had.values()) child.remove();
}

/** Set a text only when it differs; true when something else stood there before. */
export function setText(element, text) {
  if (element.textContent === text) return false;
  const changed = element.textContent !== "";
  element.textContent = text;
  return changed;
}

/** Let a new figure light up for a moment. */
export function light(element) {
  element.classList.remove("fresh");
  void element.offsetWidth;
  element.classList.add("fresh");
}

/** Show a state in place of content: a title and a sentence, with an optional button. */
export function showState(element, body, state) {
  element.hidden = state === null;
  body.hidden = state !== null;
  const said = state === null ? "" : JSON.stringify([state.title, state.text, state.action?.label]);
  if (element.dataset.said === said) return;
  element.dataset.said = said;
  element.replaceChildren();
  if (state === null) return;
  element.append(h("strong", {}, state.title), h("span", {}, state.text));
  if (state.action) {
    element.append(h("button", { type: "button", class: "button", onclick: state.action.run }, state.action.label));
  }
}
