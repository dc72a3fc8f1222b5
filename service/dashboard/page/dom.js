// Builds elements. Every text becomes a text node, so nothing from outside is ever parsed as markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes (handlers such as `onclick` are functions) and children (elements or text; null is skipped). */
export function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for an SVG element. */
export function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/**
 * A table. Columns are { title, text? }; `text` columns are left-aligned. On a narrow screen the table scrolls in its
 * own box or, if it `stacks`, each row becomes a card. Roles are explicit because that layout removes the implicit ones.
 */
export function table(caption, columns, rows, { stacks = false } = {}) {
  const head = columns.map(({ title, text }) =>
    make("th", { scope: "col", role: "columnheader", class: text && "text" }, title),
  );
  const body = rows.map(([name, ...cells]) =>
    make("tr", { role: "row" }, make("th", { scope: "row", role: "rowheader" }, name), cells.map(cell)),
  );
  const content = [
    make("caption", {}, make("span", {}, caption)),
    make("thead", { role: "rowgroup" }, make("tr", { role: "row" }, head)),
    make("tbody", { role: "rowgroup" }, body),
  ];
  const frame = { class: stacks ? "scroll stacks" : "scroll", role: "region", tabindex: 0, "aria-label": caption };
  return make("div", frame, make("table", { role: "table" }, content));

  function cell(content, at) {
    const { title, text } = columns[at + 1];
    return make("td", { role: "cell", class: text && "text", "data-title": title }, content);
  }
}

/** A list of names and values; null values are omitted. */
export function facts(pairs) {
  const known = pairs.filter(([, value]) => value !== null);
  return make(
    "dl",
    {},
    known.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, ...[value].flat()))),
  );
}

export const note = (...texts) => make("p", { class: "note" }, ...texts);
export const empty = (...texts) => make("p", { class: "empty" }, ...texts);
export const badge = (text, kind) => make("span", { class: `badge ${kind}` }, text);
export const day = (text) => make("time", {}, text);
