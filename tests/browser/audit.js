// What everybody needs of a page: names for fields and pictures, one headline, a language, targets that a thumb hits,
// text that can be read. Returns sentences about what is missing.
({ fingers, languageTag }) => {
  const found = [];
  const all = (selector) => Array.from(document.querySelectorAll(selector));
  const shown = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && !element.closest(".hidden-visually");
  const name = (element) => `${element.tagName.toLowerCase()}${element.id ? "#" + element.id : ""}${element.className?.trim ? "." + element.className.trim().replaceAll(/\s+/g, ".") : ""} “${(element.getAttribute("aria-label") || element.textContent || "").trim().replaceAll(/\s+/g, " ").slice(0, 40)}”`;
  const check = (holds, sentence) => { if (!holds) found.push(sentence); };

  check(document.documentElement.lang === languageTag, `lang is “${document.documentElement.lang}”`);
  check(document.title.trim().length > 12, `the title is “${document.title}”`);
  check(all("h1").length === 1, `there are ${all("h1").length} h1`);
  check(all("main").length === 1, "one main is needed");
  let level = 0;
  for (const heading of all("main :is(h1, h2, h3, h4)").filter((one) => one.checkVisibility())) {
    const its = Number(heading.tagName[1]);
    if (level) check(its <= level + 1, `${name(heading)} skips a level after h${level}`);
    level = its;
  }

  for (const field of all("input:not([type=hidden]), select, textarea")) {
    const labels = [...(field.labels ?? [])].map((one) => one.textContent.trim()).join("");
    check(labels || field.getAttribute("aria-label") || field.getAttribute("aria-labelledby"), `${name(field)} [${field.name}] has no label`);
  }
  for (const picture of all("img")) check(picture.hasAttribute("alt"), `${picture.src} has no alt`);
  for (const picture of all("svg[role=img]")) check(picture.getAttribute("aria-label") || picture.getAttribute("aria-labelledby"), "a picture has no name");
  for (const actor of all("a[href], button")) {
    if (actor.getAttribute("aria-hidden") !== "true") check((actor.getAttribute("aria-label") || actor.textContent).trim(), `${actor.outerHTML.slice(0, 80)} has no text`);
  }
  const ids = all("[id]").map((one) => one.id);
  for (const id of new Set(ids.filter((one, at) => ids.indexOf(one) !== at))) found.push(`id ${id} is there twice`);
  for (const attribute of ["aria-describedby", "aria-labelledby", "for", "form"]) {
    for (const one of all(`[${attribute}]`)) {
      for (const id of one.getAttribute(attribute).split(/\s+/)) check(document.getElementById(id), `${name(one)} points with ${attribute} to “${id}”, which is not there`);
    }
  }

  // 44 px high, measured as a finger does: by what is hit there.
  if (fingers) {
    for (const target of all("button, .btn, select, input:not([type=hidden]), summary, .top a, .foot a, .week a, .month a").filter(shown)) {
      const area = target.matches("[type=radio], [type=checkbox]") ? target.closest("label") : target;
      area.scrollIntoView({ block: "center", behavior: "instant" });
      const box = area.getBoundingClientRect();
      const hits = (y) => { const hit = document.elementFromPoint(box.x + box.width / 2, y); return hit && (area.contains(hit) || hit.contains(area)); };
      const middle = box.y + box.height / 2;
      check(box.height >= 43.5 || (hits(middle - 21.5) && hits(middle + 21.5)), `${name(target)} is ${Math.round(box.height)} px high`);
    }
    scrollTo(0, 0);
  }

  // Contrast (WCAG 2.2, 1.4.3) of text on plain grounds.
  const colour = (text) => { const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number); return { rgb: [r, g, b], a }; };
  const light = (rgb) => { const [r, g, b] = rgb.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const style = getComputedStyle(at);
      if (style.backgroundImage !== "none" || at.matches(".motif, select")) return null;
      const { rgb, a } = colour(style.backgroundColor);
      if (a === 1) return rgb;
      if (a > 0) return null;
    }
    return [255, 255, 255];
  };
  const told = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !shown(element) || element.closest("script, style, option, [hidden], .skip, :disabled")) continue;
    const behind = ground(element), style = getComputedStyle(element);
    if (!behind || !style.color.startsWith("rgb")) continue;
    const [high, low] = [light(colour(style.color).rgb), light(behind)].sort((a, b) => b - a);
    const ratio = (high + 0.05) / (low + 0.05);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const words = `${name(element)}: contrast ${ratio.toFixed(2)}`;
    if (ratio < (large ? 3 : 4.5) && !told.has(words)) { told.add(words); found.push(words); }
    if (size < 11) found.push(`${name(element)}: text of ${size} px`);
  }
  return found;
}
