"use strict";
// Tables that sort, and figures in which a cell or a point is chosen. All of it is made from the tables of the page:
// without this script they stand there as they are.

const RANKS = {
  missed: 0, broken: 0, fails: 0, "no staff": 0, more: 0.5, undecided: 1, met: 2, kept: 2, holds: 2, held: 2,
  impossible: 3,
};
// By rank: how it looks, and its mark.
const LOOKS = { 0: "missed", 0.5: "more", 1: "undecided", 2: "met", 3: "none" };
const MARKS = { missed: "✕", more: "▲", undecided: "◇", met: "●", none: "○" };

// An element, or one of a drawing where `of` says so.
function made(name, attributes = {}, children = [], of = null) {
  const one = of ? document.createElementNS(of, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) one.setAttribute(key, value);
  one.append(...[children].flat());
  return one;
}

const SVG = "http://www.w3.org/2000/svg";
const drawn = (name, attributes, children) => made(name, attributes, children, SVG);

// What a cell of a table holds: a number where it reads as one, null where it is empty, else its text.
function held(cell) {
  const text = (cell.dataset.v ?? cell.textContent).trim();
  if (text === "" || text === "nan") return null;
  if (text === "∞" || text === "inf") return Infinity;
  if (text === "−∞" || text === "-inf") return -Infinity;
  const number = Number(text);
  return Number.isNaN(number) ? text : number;
}

// Sorting

function order(values) {
  const told = values.filter((one) => one !== null);
  if (told.every((one) => typeof one === "number")) return (one) => one;
  if (told.every((one) => one in RANKS)) return (one) => RANKS[one];
  return null;
}

function sort(table, at, way) {
  const body = table.tBodies[0];
  const rows = table.asItStood;
  if (way === "none") {
    body.append(...rows);
    return;
  }
  const values = new Map(rows.map((row) => [row, held(row.cells[at])]));
  const key = order([...values.values()]);
  const sign = way === "ascending" ? 1 : -1;
  const compared = (a, b) => {
    const one = values.get(a);
    const other = values.get(b);
    if (one === null || other === null) return (one === null) - (other === null);
    if (!key) return sign * String(one).localeCompare(String(other), "en", { numeric: true });
    return sign * (key(one) < key(other) ? -1 : key(one) > key(other) ? 1 : 0);
  };
  body.append(...[...rows].sort(compared));
}

function sorts(table) {
  if (table.asItStood || !table.tHead || !table.tBodies.length) return;
  table.asItStood = [...table.tBodies[0].rows];
  if (table.asItStood.length < 2) return;
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, at) => {
    const button = made("button", { type: "button", class: "sort" });
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const now = head.getAttribute("aria-sort") ?? "none";
      const way = { none: "ascending", ascending: "descending", descending: "none" }[now];
      for (const other of heads) other.removeAttribute("aria-sort");
      if (way !== "none") head.setAttribute("aria-sort", way);
      sort(table, at, way);
    });
  });
}

// Choosing

const percent = (share) => {
  const many = 100 * share;
  return `${many > 0 && many < 10 && many % 1 ? many.toFixed(1) : Math.round(many)} %`;
};
// Values at which an axis is marked: round ones between its ends.
function round(least, most) {
  const about = (most - least) / 4;
  const ten = 10 ** Math.floor(Math.log10(about));
  const step = ten * [1, 2, 2.5, 5, 10].find((one) => one * ten >= about * 0.999);
  const found = [];
  for (let at = Math.ceil(least / step - 1e-9); at * step <= most + 1e-9 * step; at++) found.push(at * step);
  return found;
}

const short = (value) => (typeof value === "number" ? String(Number(value.toPrecision(4))) : String(value ?? ""));

function inUnit(value, unit) {
  if (value === null) return "";
  if (unit === "share") return `${(100 * value).toFixed(1)} %`;
  return `${short(value)} ${unit}`;
}

// What a target came to in a row, in a word that RANKS knows; null where the row does not tell.
function verdict(target, row) {
  if (target.verdict !== undefined) return row[target.verdict] in RANKS ? row[target.verdict] : null;
  const value = row[target.value];
  if (value === null || target.threshold === undefined) return null;
  return value === target.threshold || value > target.threshold === target.at_least ? "holds" : "fails";
}

function marked(word) {
  if (!(word in RANKS)) return made("span", {}, "–");
  const look = LOOKS[RANKS[word]];
  return made("span", { class: `verdict ${look}` }, [made("span", { "aria-hidden": "true" }, MARKS[look]), ` ${word}`]);
}

function linked(text, place) {
  return place ? made("a", { href: `#${place}` }, text) : text;
}

class Explorer {
  constructor(box, number) {
    this.told = JSON.parse(box.dataset.explore);
    this.id = `choose-${number}`;
    const table = document.getElementById(box.dataset.table);
    const rows = table.asItStood ?? [...table.tBodies[0].rows];
    this.heads = [...table.tHead.rows[0].cells].map((head) => head.textContent.trim());
    this.rows = rows.map((row) => [...row.cells].map(held));
    this.rows = this.rows.filter((row) => this.told.verdict === null || row[this.told.verdict] !== null);
    this.thing = box.dataset.title;
    [this.across, this.up] = this.told.axes;
    this.by = -1;
    this.at = 0;
    this.key = made("p", { class: "note" });
    this.box = box;
    if (!this.rows.length) return;
    this.chosen = made("div", { class: "chosen", id: `${this.id}-told` });
    this.picture = made("div", { class: "field" });
    box.append(made("p", { class: "explore-head" }, this.intro()), this.controls());
    box.append(made("div", { class: "beside" }, [made("div", {}, [this.picture, this.key]), this.chosen]));
    box.hidden = false;
    this.at = this.first();
    this.draw();
    new ResizeObserver(() => this.width !== this.room() && this.draw()).observe(this.picture);
  }

  intro() {
    const strong = made("strong", {}, `Choose a ${this.thing}`);
    return [strong, " with the mouse, a finger or the arrow keys: what it came to stands beside."];
  }

  controls() {
    const every = [[-1, "all targets together"], ...this.told.targets.map((one, at) => [at, one.name])];
    const shown = this.told.verdict === null ? every.slice(1) : every;
    this.by = shown[0][0];
    const found = [this.select("Show", shown, this.by, (value) => (this.by = value))];
    if (!this.told.grid && this.told.chosen.length > 1) {
      const axes = this.told.chosen.map((at) => [at, this.heads[at]]);
      found.push(this.select("Across", axes, this.across, (value) => (this.across = value)));
      found.push(this.select("Up", axes, this.up, (value) => (this.up = value)));
    }
    return made("div", { class: "controls" }, found);
  }

  select(label, options, now, changed) {
    const list = options.map(([value, text]) => made("option", { value }, text));
    const one = made("select", {}, list);
    one.value = String(now);
    one.addEventListener("change", () => {
      changed(Number(one.value));
      this.draw();
    });
    return made("label", {}, [`${label} `, one]);
  }

  // The scenario as it is, where it lies among the cells; else the first row.
  first() {
    if (!this.told.present) return 0;
    const [x, y] = this.told.present.map(Math.round);
    const [across, up] = [this.values(this.across), this.values(this.up)];
    const found = this.rows.findIndex((row) => row[this.across] === across[x] && row[this.up] === up[y]);
    return Math.max(found, 0);
  }

  values(column) {
    return [...new Set(this.rows.map((row) => row[column]))];
  }

  word(row) {
    const word = this.by < 0 ? row[this.told.verdict] : verdict(this.told.targets[this.by], row);
    return word in RANKS ? word : null;
  }

  // The share of periods in which that held which is shown; null where the row does not tell.
  share(row) {
    const at = this.by < 0 ? this.told.all_held : this.told.targets[this.by].held;
    return at === undefined || at === null ? null : row[at];
  }

  room() {
    return Math.max(Math.floor(this.picture.clientWidth), 240);
  }

  draw() {
    this.width = this.room();
    this.height = Math.round(Math.min(420, Math.max(260, this.width * 0.62)));
    this.edge = { left: 58, right: 12, top: 10, bottom: 46 };
    const label = `${this.thing}s: ${this.heads[this.across]} across, ${this.heads[this.up]} up`;
    this.svg = drawn("svg", {
      role: "listbox", tabindex: "0", "aria-label": label, width: this.width, height: this.height,
      viewBox: `0 0 ${this.width} ${this.height}`, class: this.told.grid ? "cells" : "points",
    });
    const inner = { width: this.width - this.edge.left - this.edge.right };
    inner.height = this.height - this.edge.top - this.edge.bottom;
    this.inner = inner;
    this.scales = [this.scale(this.across, inner.width), this.scale(this.up, inner.height)];
    this.svg.append(this.axes());
    this.options = this.rows.map((row, at) => this.option(row, at));
    this.svg.append(...this.options);
    this.ring = drawn("g", { "aria-hidden": "true", class: "ring" });
    this.svg.append(this.ring);
    this.svg.addEventListener("pointerdown", (event) => this.pointed(event));
    this.svg.addEventListener("keydown", (event) => this.pressed(event));
    const focused = this.picture.contains(document.activeElement);
    this.picture.replaceChildren(this.svg);
    if (focused) this.svg.focus();
    this.choose(this.at);
    this.tellKey();
  }

  // Where a value of a column lies along so many pixels, with the values at which the axis is marked.
  scale(column, extent) {
    const values = this.values(column);
    if (this.told.grid || !values.every((one) => typeof one === "number")) {
      const sorted = values.every((one) => typeof one === "number") ? [...values].sort((a, b) => a - b) : values;
      const step = extent / sorted.length;
      const at = new Map(sorted.map((one, place) => [one, step * (place + 0.5)]));
      return { of: (value) => at.get(value), marks: sorted, step, sorted };
    }
    const [least, most] = [Math.min(...values), Math.max(...values)];
    const pad = 12;
    const span = most - least || 1;
    const of = (value) => pad + ((value - least) / span) * (extent - 2 * pad);
    return { of, marks: most > least ? round(least, most) : [least], step: 0, sorted: null };
  }

  place(row) {
    const [x, y] = this.scales;
    return [this.edge.left + x.of(row[this.across]), this.edge.top + this.inner.height - y.of(row[this.up])];
  }

  axes() {
    const found = drawn("g", { "aria-hidden": "true", class: "axes" });
    const { left, top } = this.edge;
    const bottom = top + this.inner.height;
    found.append(drawn("path", { d: `M${left} ${top}V${bottom}H${left + this.inner.width}`, class: "frame" }));
    const [x, y] = this.scales;
    const step = Math.max(1, Math.ceil((x.marks.length * 44) / this.inner.width));
    x.marks.forEach((value, at) => {
      if (at % step) return;
      const place = { x: left + x.of(value), y: bottom + 15, "text-anchor": "middle" };
      found.append(drawn("text", place, short(value)));
    });
    const rows = Math.max(1, Math.ceil((y.marks.length * 14) / this.inner.height));
    y.marks.forEach((value, at) => {
      if (at % rows) return;
      found.append(drawn("text", { x: left - 6, y: bottom - y.of(value) + 4, "text-anchor": "end" }, short(value)));
    });
    const middle = left + this.inner.width / 2;
    const below = { x: middle, y: this.height - 8, "text-anchor": "middle", class: "name" };
    found.append(drawn("text", below, this.fitting(this.heads[this.across], this.inner.width + 40)));
    const turned = `translate(12 ${top + this.inner.height / 2}) rotate(-90)`;
    const beside = { transform: turned, "text-anchor": "middle", class: "name" };
    found.append(drawn("text", beside, this.fitting(this.heads[this.up], this.inner.height + 12)));
    return found;
  }

  // What the marks mean that are there.
  tellKey() {
    const words = [...new Set(this.rows.map((row) => this.word(row)))].filter((word) => word !== null);
    words.sort((a, b) => RANKS[b] - RANKS[a]);
    const found = words.flatMap((word, at) => [at ? ", " : "", marked(word)]);
    const shares = this.told.grid && this.rows.some((row) => this.share(row) !== null);
    if (shares) found.push(`; a number: in so many percent of the periods ${this.by < 0 ? "all hold" : "it holds"}`);
    this.key.replaceChildren(...found, ".");
  }

  fitting(text, room) {
    const most = Math.max(8, Math.floor(room / 6.9));
    return text.length <= most ? text : `…${text.slice(text.length - most + 1)}`;
  }

  option(row, at) {
    const word = this.word(row);
    const look = word === null ? "" : LOOKS[RANKS[word]];
    const one = drawn("g", { role: "option", id: `${this.id}-${at}`, class: look, "aria-selected": "false" });
    one.setAttribute("aria-label", this.named(row, word));
    const [x, y] = this.place(row);
    if (!this.told.grid) {
      one.append(this.mark(look, x, y, 4.5));
      return one;
    }
    const [wide, high] = [this.scales[0].step, this.scales[1].step];
    one.append(drawn("rect", { x: x - wide / 2, y: y - high / 2, width: wide, height: high }));
    const share = this.share(row);
    const text = share === null ? "" : String(Math.round(100 * share));
    const roomy = wide >= 18 + 7 * text.length && high >= 14;
    if (roomy && text) one.append(drawn("text", { x: x + 7, y: y + 4, "text-anchor": "middle" }, text));
    if (wide > 9 && high > 9) one.append(this.mark(look, x - (roomy && text ? 4 + 3.5 * text.length : 0), y, 3.6));
    return one;
  }

  mark(look, x, y, size) {
    const s = size;
    if (look === "missed") {
      return drawn("path", { d: `M${x - s} ${y - s}L${x + s} ${y + s}M${x - s} ${y + s}L${x + s} ${y - s}`, class: "mark" });
    }
    if (look === "undecided") {
      const d = `M${x} ${y - s - 1}L${x + s + 1} ${y}L${x} ${y + s + 1}L${x - s - 1} ${y}Z`;
      return drawn("path", { d, class: "mark" });
    }
    if (look === "more") {
      return drawn("path", { d: `M${x} ${y - s}L${x + s} ${y + s}L${x - s} ${y + s}Z`, class: "mark" });
    }
    return drawn("circle", { cx: x, cy: y, r: s, class: "mark" });
  }

  named(row, word) {
    const axes = this.up === this.across ? [this.across] : [this.across, this.up];
    const where = axes.map((at) => `${this.heads[at]} ${short(row[at])}`).join(", ");
    const share = this.share(row);
    const often = share === null ? "" : `, in ${percent(share)}`;
    const first = this.by < 0 && row[this.told.first_to_fail] && word !== "met";
    return `${where}: ${word ?? "not judged"}${often}${first ? `, ${row[this.told.first_to_fail]} fails first` : ""}`;
  }

  pointed(event) {
    const box = this.svg.getBoundingClientRect();
    const x = ((event.clientX - box.left) * this.width) / box.width;
    const y = ((event.clientY - box.top) * this.height) / box.height;
    let [best, least] = [-1, this.told.grid ? Infinity : 40 ** 2];
    this.rows.forEach((row, at) => {
      const [px, py] = this.place(row);
      const away = (px - x) ** 2 + (py - y) ** 2;
      if (away < least) [best, least] = [at, away];
    });
    if (best >= 0) this.choose(best);
  }

  pressed(event) {
    const ways = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const ends = { Home: 0, End: this.rows.length - 1 };
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key in ends) this.choose(ends[event.key]);
    else if (event.key in ways) this.step(...ways[event.key]);
    else return;
    event.preventDefault();
  }

  // The next row in a direction: the nearest cell of the row or column; of points the next value of that axis.
  step(across, up) {
    const [x, y] = this.place(this.rows[this.at]);
    const along = (row) => (across ? across * (this.place(row)[0] - x) : -up * (this.place(row)[1] - y));
    const beside = (row) => (across ? Math.abs(this.place(row)[1] - y) : Math.abs(this.place(row)[0] - x));
    let [best, least] = [-1, Infinity];
    this.rows.forEach((row, at) => {
      const ahead = along(row);
      // Of points at one value of the axis all are come to, in the order of the table.
      const level = !this.told.grid && ahead === 0 && (across + up > 0 ? at > this.at : at < this.at);
      if (at === this.at || (this.told.grid && beside(row) > 0.5) || !(ahead > 1e-6 || level)) return;
      const far = level ? Math.abs(at - this.at) * 1e-9 : ahead;
      if (far < least) [best, least] = [at, far];
    });
    if (best >= 0) this.choose(best);
  }

  choose(at) {
    this.options[this.at]?.setAttribute("aria-selected", "false");
    this.at = at;
    const one = this.options[at];
    one.setAttribute("aria-selected", "true");
    this.svg.setAttribute("aria-activedescendant", one.id);
    const [x, y] = this.place(this.rows[at]);
    const [wide, high] = this.told.grid ? [this.scales[0].step, this.scales[1].step] : [18, 18];
    const box = { x: x - wide / 2, y: y - high / 2, width: wide, height: high, rx: this.told.grid ? 0 : 9 };
    this.ring.replaceChildren(drawn("rect", { ...box, class: "halo" }), drawn("rect", box));
    this.tell(this.rows[at]);
  }

  tell(row) {
    const found = [];
    const told = this.told;
    const pairs = told.chosen.map((at) => [made("dt", {}, this.heads[at]), made("dd", {}, short(row[at]))]);
    const values = made("dl", { class: "values" }, pairs.flat());
    const few = pairs.length <= 4;
    if (few) found.push(values);
    if (told.verdict !== null) {
      const share = told.all_held !== null && row[told.all_held] !== null ? ` hold in ${percent(row[told.all_held])}` : "";
      const inferred = told.replications !== null && row[told.replications] === 0;
      const of = told.replications !== null ? ` of ${row[told.replications]} replications` : "";
      const runs = inferred ? " of the replications on either side; it was not run" : of;
      const what = this.thing === "world" ? "This world: " : "All together: ";
      const all = made("p", { class: "together" }, [what, marked(row[told.verdict])]);
      if (share) all.append(`;${share}${runs}`);
      found.push(all);
    }
    const failing = told.first_to_fail === null ? null : row[told.first_to_fail];
    const first = told.targets.find((one) => one.name === failing);
    // Where every target holds, the first to fail is only the one that has least to spare.
    const well = RANKS[row[told.verdict]] === 2;
    if (failing !== null && failing !== "" && !(well && told.unlimited)) {
      const unlimited = told.unlimited ? " with unlimited staff" : "";
      const lead = well ? "Least to spare has " : `First to fail${unlimited} is `;
      const words = [lead, linked(String(failing), first?.place), "."];
      found.push(made("p", {}, words));
    }
    if (told.targets.length) found.push(this.verdicts(row));
    const also = told.also.filter((at) => row[at] !== null);
    const rest = also.flatMap((at) => [made("dt", {}, this.heads[at]), made("dd", {}, short(row[at]))]);
    if (!few) rest.unshift(...values.childNodes);
    if (rest.length) {
      const more = made("dl", { class: "values" }, rest);
      const fold = made("details", {}, [made("summary", {}, few ? "What else its row says" : "All of its values"), more]);
      fold.open = this.unfolded ?? this.thing === "world";
      fold.addEventListener("toggle", () => (this.unfolded = fold.open));
      found.push(fold);
    }
    this.chosen.replaceChildren(...found);
  }

  verdicts(row) {
    const targets = this.told.targets;
    const often = targets.some((one) => one.held !== undefined);
    const came = this.told.unlimited ? "with unlimited staff" : "came to";
    const heads = ["target", "verdict", came, ...(often ? ["holds in"] : [])];
    const lines = targets.map((one) => {
      const asked = one.asked ? made("small", {}, one.asked) : "";
      const name = made("th", { scope: "row" }, [linked(one.name, one.place), asked]);
      const value = inUnit(row[one.value], one.unit);
      const wide = one.low !== undefined && row[one.low] !== null;
      const span = wide ? ` (${inUnit(row[one.low], one.unit)} to ${inUnit(row[one.high], one.unit)})` : "";
      const cells = [marked(verdict(one, row)), value + span];
      if (often) cells.push(row[one.held] === null ? "" : percent(row[one.held]));
      return made("tr", {}, [name, ...cells.map((cell) => made("td", {}, cell))]);
    });
    const head = made("tr", {}, heads.map((text) => made("th", { scope: "col" }, text)));
    const table = made("table", { class: "verdicts" }, [made("thead", {}, head), made("tbody", {}, lines)]);
    return made("div", { class: "wide", tabindex: "0", role: "group", "aria-label": "Its verdicts by target" }, table);
  }
}

// Links into what is folded

function unfold() {
  const name = decodeURIComponent(location.hash.slice(1));
  const aim = name ? document.getElementById(name) : null;
  if (!aim) return;
  let folded = false;
  for (let one = aim.closest("details:not([open])"); one; one = one.parentElement?.closest("details:not([open])")) {
    one.open = true;
    folded = true;
  }
  if (folded) aim.scrollIntoView();
}
