/** Elements without strings of HTML: what comes from outside is always text. */

const SVG = "http://www.w3.org/2000/svg";

/** Make an element. `on…` are listeners, `style` custom properties, what is null is left out. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "style") setProperties(made, value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** Set custom properties; the policy for content forbids style attributes, not this. */
export function setProperties(target, properties) {
  for (const [name, value] of Object.entries(properties)) target.style.setProperty(name, value);
}

/** A picture of the sheet `icons.svg`; decoration, so the text beside it says the same. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `page/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

/** Text for those who listen. */
export function hidden(text) {
  return element("span", { class: "unseen" }, text);
}

/** A copy of a template of the document, and its parts by their `data-part`. */
export function fromTemplate(id) {
  const root = document.getElementById(id).content.firstElementChild.cloneNode(true);
  const parts = {};
  for (const part of root.querySelectorAll("[data-part]")) parts[part.dataset.part] = part;
  return { root, parts };
}
