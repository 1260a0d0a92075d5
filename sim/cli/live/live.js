// The live page: sends what is chosen, shows what it is told. All text goes in as text, never as markup.
"use strict";

const $ = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const KEEP = "tipline " + location.pathname;
const WAIT = 1000; // ms after which a slider that is dragged asks again, though nothing was answered yet
const SLOW = 3000; // ms without an answer after which the page says so
const MARKS = {met: "●", kept: "●", missed: "✕", broken: "✕", undecided: "◇"};
const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

let world = null;      // what the file has: variants, readings, targets
let page = "";         // the name of this page, of no other
let controls = [];     // the sliders, with where they stand
let history = [];      // states, the last one that can be redone at its end
let at = 0;
let moves = 0;         // the number of the last move
let sent = "";         // the state that was asked last
let accepted = -1;     // the number of the last move that made sense
let gesture = "";      // the slider that is being dragged
let waiting = 0;       // the move whose first answer is waited for, while a slider is dragged
let timer = 0;
let answer = null;     // the last that was told
let curves = {};       // the last that was drawn
let pinned = null;     // A: its answer, curves and state
let began = {};        // when each move was made
let announced = -1;

// Building

function h(tag, given, ...children) {
  const made = tag.startsWith("svg:") ? document.createElementNS(SVG, tag.slice(4)) : document.createElement(tag);
  for (const [name, value] of Object.entries(given || {}))
    if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  made.append(...children.filter((one) => one !== null && one !== undefined));
  return made;
}

const put = (id, ...children) => $(id).replaceChildren(...children);
const fixed = (number, digits) => number.toLocaleString("en", {minimumFractionDigits: digits, maximumFractionDigits: digits});
const plain = (number) => String(+number.toPrecision(10));
const signed = (number, digits) => (number < 0 ? "−" : "+") + fixed(Math.abs(number), digits);

function minutes(time) {
  if (time < 1) return plain(Math.round(time * 60)) + " s";
  if (time < 60) return plain(time) + " min";
  return time < 1440 ? plain(time / 60) + " h" : plain(time / 1440) + " d";
}

function verdict(word) {
  return h("span", {class: "verdict " + word}, h("span", {"aria-hidden": "true"}, MARKS[word] + " "), word);
}

// Asking

async function ask(path, body) {
  let found;
  try {
    found = await fetch(path, {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)});
  } catch {
    throw new Error("gone");
  }
  if (found.status === 403) throw new Error("gone");
  const told = await found.json();
  if (!found.ok) {
    const error = new Error("faults");
    error.faults = told.faults || [];
    throw error;
  }
  return told;
}

function failed(error) {
  if (error.message === "gone") {
    faults([{text: "The program behind this page has ended. Start tipline live again, and open the address that it tells."}]);
    return;
  }
  if (!error.faults) throw error;
  faults(error.faults);
}

function faults(given) {
  const told = given.map((one) => h("p", {}, one.text));
  put("faults", ...told);
  $("faults").hidden = !given.length;
}

const state = () => history[at];
const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

function go(next, from) {
  // One entry of the history for all that one drag comes by.
  if (from && from === gesture && at > 0) history = [...history.slice(0, at), next];
  else history = [...history.slice(0, at + 1), next];
  at = history.length - 1;
  gesture = from || "";
  buttons();
}

function step(by) {
  at += by;
  gesture = "";
  buttons();
  choices();
  send();
}

function buttons() {
  $("undo").disabled = at === 0;
  $("redo").disabled = at === history.length - 1;
  $("reset").disabled = same(state(), blank());
}

const blank = () => ({variant: null, reading: null, until_decided: false, values: {}});

async function send() {
  clearTimeout(timer);
  const asked = JSON.stringify(state());
  if (asked === sent) return;
  sent = asked;
  const move = ++moves;
  waiting = move;
  began[move] = performance.now();
  document.documentElement.dataset.asked = move;
  try {
    const told = await ask("ask/move", {page, move, state: JSON.parse(asked)});
    if (!told.late) accepted = Math.max(accepted, move);
    if (told.late || move !== moves) return;
    faults([]);
    sessionStorage.setItem(KEEP, asked);
    meant(told);
    setTimeout(() => slow(move), SLOW);
  } catch (error) {
    if (move === moves) {
      waiting = 0;
      failed(error);
    }
  }
}

function slow(move) {
  if (move !== moves || (answer && answer.move === move)) return;
  $("together").hidden = true;
  $("said").textContent = "This takes long: a rule that is new to this machine may have to be compiled, once. Below is the state before.";
  $("far").textContent = "waiting for the first replication";
  $("progress").value = 0;
}

function later() {
  // While it is dragged, one move is asked after the other: the next as soon as the one before is answered.
  clearTimeout(timer);
  if (waiting) timer = setTimeout(send, WAIT);
  else send();
}

function meant(told) {
  put("command", told.command);
  const shape = (all) => JSON.stringify(all.map(({value, ...rest}) => rest));
  const anew = shape(told.controls) !== shape(controls);
  controls = told.controls;
  if (anew) build();
  places();
}

// Choices

function choice(name, value, label, says, chosen) {
  const input = h("input", {type: "radio", name, value});
  input.checked = chosen;
  return h("label", {class: "choice"}, input, " " + label, says ? h("small", {}, " " + says) : null);
}

function choices() {
  const of = (name, none, given) => {
    const all = [{name: null, label: none}, ...given.map((one) => ({...one, label: one.name.replaceAll("_", " ")}))];
    const box = $(name + "s");
    box.hidden = !given.length;
    box.replaceChildren(box.querySelector("legend"), ...all.map((one) => choice(name, one.name || "", one.label, one.says, state()[name] === one.name)));
  };
  of("variant", "none: the file as it stands", world.variants);
  of("reading", "as the file says", world.readings.map((name) => ({name})));
  $("until").checked = state().until_decided;
}

function chosen(name, value) {
  for (const input of document.getElementsByName(name)) input.checked = input.value === (value || "");
}

function unit(one, number) {
  if (one.unit === "people") return number === 1 ? "person" : "people";
  return one.unit;
}

const written = (one, number) => (plain(number) + " " + unit(one, number)).replace(" /", "/").trim();

function slider(one, number) {
  const id = "slider-" + number;
  const range = h("input", {type: "range", id, min: one.low, max: one.high, step: one.step, "data-path": one.path, "aria-describedby": id + "-ends"});
  const box = h("input", {type: "number", step: "any", "data-path": one.path, "aria-label": one.label + ", number"});
  const move = (value) => {
    if (value === "" || !Number.isFinite(+value)) return;
    const values = {...state().values, [one.path]: +value};
    go({...state(), values}, one.path);
    place(one, +value);
  };
  range.addEventListener("input", () => { move(range.value); later(); });
  range.addEventListener("change", () => { send(); gesture = ""; });
  box.addEventListener("change", () => { gesture = ""; move(box.value); send(); });
  const ends = [h("span", {}, written(one, one.low)), one.source ? h("span", {}, one.source) : null, h("span", {}, written(one, one.high))];
  return h("div", {class: "slider", "data-slider": one.path, title: one.path},
    h("div", {class: "name"}, h("label", {for: id}, one.label), h("span", {class: "figure"}, box, " ", h("span", {class: "unit"}, one.unit))),
    range, h("div", {class: "ends", id: id + "-ends"}, ...ends), h("p", {class: "outside", hidden: true}));
}

function build() {
  const groups = new Map();
  controls.forEach((one, number) => {
    const name = one.unit === "people" ? one.group : "";
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(slider(one, number));
  });
  const ranges = groups.get("") || [];
  groups.delete("");
  const made = [];
  if (ranges.length) made.push(h("fieldset", {}, h("legend", {}, "Not known: ranges"), ...ranges));
  const people = [...groups.values()].flat();
  if (people.length) made.push(h("fieldset", {}, h("legend", {}, "People on duty"), ...people));
  if (!made.length) made.push(h("p", {class: "grey"}, "The file has no ranges under plausible:, and nobody on duty."));
  put("controls", ...made);
}

function places() {
  for (const one of controls) place(one, one.value);
}

function place(one, value) {
  const box = document.querySelector(`[data-slider="${CSS.escape(one.path)}"]`);
  if (!box) return;
  const [number, range] = [box.querySelector("[type=number]"), box.querySelector("[type=range]")];
  const known = value !== null;
  if (known && document.activeElement !== number) number.value = plain(value);
  if (known && +range.value !== value) range.value = value;
  if (!known) number.value = "";
  range.setAttribute("aria-valuetext", known ? written(one, value) : "not in the file");
  box.classList.toggle("moved", one.path in state().values);
  const note = box.querySelector(".outside");
  note.hidden = !known || (value >= one.low && value <= one.high);
  note.textContent = note.hidden ? "" : "outside of the range, which the slider cannot show";
}

// Showing

function told(given) {
  if (given.move < accepted) return; // of an earlier move
  if (day && answer && given.move !== answer.move) clearDay();
  if (given.move >= waiting) {
    waiting = 0;
    if (gesture) setTimeout(send); // where the slider is by now
  }
  answer = given;
  if (given.response) curves = {response: given.response, week: given.week};
  const now = performance.now(), since = began[given.move];
  const marks = document.documentElement.dataset;
  if (since && marks.first_of !== String(given.move)) {
    marks.first_of = given.move;
    marks.first = Math.round(now - since);
    marks.worked = Math.round(given.after_ms); // of it, what the server took
    marks.decided = "";
    marks.all = "";
  }
  if (since && given.decided && !marks.decided) marks.decided = Math.round(now - since);
  if (since && given.done && !marks.all) marks.all = Math.round(now - since);
  Object.assign(marks, {move: given.move, n: given.n, of: given.of, done: given.done, whole: !!given.whole});
  show();
  say();
}

function show() {
  const given = answer;
  if (given.broken) {
    faults([{text: "This is a fault of the program: " + given.broken}]);
    return;
  }
  const word = $("together");
  word.hidden = !given.targets || !given.targets.length;
  word.className = "verdict " + given.together;
  word.textContent = (MARKS[given.together] || "") + " " + given.together;
  $("said").textContent = given.sentences[0] || "No targets: the run measures, and judges nothing.";
  $("progress").max = given.of;
  $("progress").value = given.n;
  $("far").textContent = given.done ? `${given.n} of ${given.of} replications: what tipline run finds` : `${given.n} of ${given.of} replications so far`;
  put("sentences", ...given.sentences.filter((one) => !one.startsWith("What binds")).map((one) => h("p", {}, one)),
    h("p", {class: "grey small"}, `${given.n} of ${given.of} replications${given.done ? "" : " so far: intervals narrow as more come in, and verdicts may change"}; seed ${given.seed}; ${given.confidence} intervals${given.looks > 1 ? ", since there may be " + given.looks + " looks" : ""}.`));
  const notes = [...given.notes, ...given.failed];
  put("notes", ...notes.map((one) => h("li", {}, one)));
  $("notes").hidden = !notes.length;
  if (given.targets) {
    targets(given);
    joint(given);
    totals(given);
    pools(given);
  }
  binds(given);
  if (curves.response) {
    put("response", ...curves.response.map(response));
    if (!curves.response.length) put("response", h("p", {class: "grey"}, "No target is on times."));
    const week = Object.entries(curves.week.pools);
    put("week", ...week.map(([name, one]) => weekly(name, one, curves.week.interval_min)));
    if (!week.length) put("week", h("p", {class: "grey"}, "Nobody is on duty in this scenario."));
  }
  $("report").disabled = !given.whole;
  $("show-day").disabled = !given.done || !given.targets;
  $("pin").disabled = !given.done && !pinned;
  const marks = document.documentElement.dataset;
  if (marks.first) $("after").textContent = `First answer ${marks.first} ms after the last move${marks.all ? `; all replications after ${fixed(marks.all / 1000, 1)} s` : ""}.`;
}

function say() {
  // One sentence when the replications are done, and not while a slider goes on moving.
  if (!answer.done || announced === answer.move || answer.broken) return;
  const move = answer.move;
  setTimeout(() => {
    if (move !== answer.move || announced === move) return;
    announced = move;
    $("announce").textContent = `${answer.sentences[0] || ""} ${answer.n} replications are done.`;
  }, 500);
}

function table(caption, heads, rows, stack) {
  const body = rows.map((cells) => h("tr", {role: "row"}, ...cells.map((cell, column) => {
    const inner = h("span", {}, ...[].concat(cell));
    return column ? h("td", {role: "cell", "data-head": heads[column]}, inner) : h("th", {role: "rowheader", scope: "row"}, inner);
  })));
  const top = h("tr", {role: "row"}, ...heads.map((head) => h("th", {role: "columnheader", scope: "col"}, head)));
  return h("table", {role: "table", class: stack ? "stack" : null}, h("caption", {class: "unseen"}, caption),
    h("thead", {role: "rowgroup"}, top), h("tbody", {role: "rowgroup"}, ...body));
}

function gauge(one) {
  if (one.value === null) return null;
  const most = one.unit === "share" ? 1 : 1.05 * Math.max(2 * one.threshold, one.value, Math.min(one.high ?? 0, 6 * one.threshold));
  const x = (value) => 1 + 198 * Math.min(Math.max(value / most, 0), 1);
  const [low, high] = [x(one.low ?? 0), x(one.high ?? most)];
  return h("svg:svg", {class: "gauge " + one.verdict, viewBox: "0 0 200 18", preserveAspectRatio: "none", "aria-hidden": "true"},
    h("svg:rect", {class: "whole", x: 1, y: 5, width: 198, height: 8}),
    h("svg:rect", {class: "span", x: low, y: 5, width: Math.max(high - low, 1), height: 8}),
    h("svg:rect", {class: "point", x: x(one.value) - 1.5, y: 2, width: 3, height: 14}),
    h("svg:line", {class: "asked", x1: x(one.threshold), x2: x(one.threshold), y1: 0, y2: 18}));
}

function change(one, before) {
  // B less A, with the interval of the same tips where both are done.
  if (!before || before.value === null || one.value === null) return "";
  const share = one.unit === "share", size = share ? 100 : 1, what = share ? " points" : " min";
  const paired = (answer.changes || []).find((each) => each.target === one.target);
  const value = paired && paired.difference !== null ? paired.difference : one.value - before.value;
  if (!paired || paired.low === null || paired.high === null) return signed(size * value, 1) + what + (answer.done ? "" : " so far");
  if (paired.asks_otherwise) return signed(size * value, 1) + what + ", and it asks otherwise";
  const ends = `${signed(size * value, 1)}${what} (${signed(size * paired.low, 1)} to ${signed(size * paired.high, 1)})`;
  if (!paired.real) return value === 0 && paired.low === paired.high ? "the same" : ends + ": may be chance";
  return [h("span", {class: paired.better ? "better" : "worse"}, ends + (paired.better ? ": better" : ": worse"))];
}

function targets(given) {
  const heads = ["target", "asked", pinned ? "B came to" : "came to", "verdict", ...(pinned ? ["A came to", "B less A"] : [])];
  const rows = given.targets.map((one) => {
    const before = pinned && (pinned.answer.targets || []).find((each) => each.target === one.target);
    const more = pinned ? [before ? [before.came_to, " ", verdict(before.verdict)] : "", change(one, before)] : [];
    const name = one.claim && one.claim !== one.target ? `${one.target} (${one.claim})` : one.target;
    return [name.replaceAll("_", " "), one.asked, [one.came_to, gauge(one)].filter(Boolean), verdict(one.verdict), ...more];
  });
  if (!rows.length) put("targets", h("p", {class: "grey"}, "The file has no targets."));
  else put("targets", table("Targets, what they ask, what they came to and verdicts", heads, rows, true));
}

function joint(given) {
  const share = (one) => (one.held_share === null ? "nothing judged" : `${fixed(100 * one.held_share, 1)} % (${fixed(100 * one.held_low_share, 1)} to ${fixed(100 * one.held_high_share, 1)})`);
  const rows = given.joint.filter((one) => one.judged_periods).map((one) => {
    const before = pinned && (pinned.answer.joint || []).find((each) => each.period === one.period);
    return [`of the ${one.period}s`, share(one), ...(pinned ? [before ? share(before) : ""] : [])];
  });
  put("joint", rows.length ? table("Share of periods in which every target held", ["periods", pinned ? "B: all held" : "all held", ...(pinned ? ["A: all held"] : [])], rows, false) : h("p", {class: "grey"}, "Nothing was judged."));
}

function totals(given) {
  const now = given.totals, before = pinned && pinned.answer.totals;
  const told = (name, head, digits, after) => h("div", {}, h("dt", {}, head), h("dd", {}, fixed(now[name], digits) + after,
    before ? h("small", {}, ` A ${fixed(before[name], digits)}, ${signed(now[name] - before[name], digits)}`) : null));
  const priced = now.priced || (before && before.priced);
  const money = world.currency ? " " + world.currency : "";
  put("totals", h("dl", {class: "totals"}, told("fte", "full-time people (FTE)", 1, ""), told("paid_h_a_week", "paid hours a week", 0, ""),
    told("overtime_h_a_week", "overtime hours a week", 1, ""), priced ? told("cost_a_week", "cost a week", 0, money) : null));
  if (!priced) $("totals").append(h("p", {class: "grey small"}, "The file gives no prices (price:, currency:), so what it costs is told in paid hours."));
}

function pools(given) {
  const heads = ["pool", "on duty", "busy", "tips waiting", "FTE", "paid hours a week"];
  const cell = (value, digits, after) => (value === null ? "–" : fixed(value, digits) + (after || ""));
  const rows = given.pools.map((one) => [one.pool.replaceAll("_", " "), cell(one.servers_on_duty_mean, 1), cell(one.occupancy_share === null ? null : 100 * one.occupancy_share, 1, " %"),
    cell(one.waiting_tips_mean, 2), cell(one.fte, 1), cell(one.paid_h_a_week, 0)]);
  put("pools", rows.length ? table("Pools: people on duty, busy, in line, paid", heads, rows, true) : "");
}

function binds(given) {
  const one = (given.targets || []).find((each) => each.target === given.binding);
  const told = [];
  if (one) told.push(h("p", {}, h("strong", {}, one.target.replaceAll("_", " ")), ` uses up most of what it allows: it comes to ${one.came_to} where ${one.asked} is asked.`));
  else if (given.targets) told.push(h("p", {class: "grey"}, given.targets.length ? "Nothing was counted." : "No targets, so nothing binds."));
  if (given.staff.length) told.push(h("ul", {}, ...given.staff.map((each) => h("li", {}, each))));
  else if (given.done && !given.whole && given.together !== "met") told.push(h("p", {class: "grey"}, "What more staff could do is being worked out …"));
  put("binds", ...told);
}

// Curves

const TICKS = [1 / 6, 1, 10, 60, 360, 1440, 7 * 1440, 30 * 1440, 365 * 1440];

function response(one) {
  const [left, right, top, bottom] = [44, 312, 8, 132];
  const times = one.time_min.map((time) => Math.max(time, 1 / 60));
  const first = Math.min(times[0], one.within_min || 1e9, 1), last = Math.max(times[times.length - 1], one.within_min || 0, 2 * first);
  const x = (time) => left + (right - left) * Math.log(Math.max(time, first) / first) / Math.log(last / first);
  const y = (share) => bottom - (bottom - top) * share;
  const path = (each) => each.time_min.map((time, k) => `${k ? "L" : "M"}${x(Math.min(Math.max(time, first), last)).toFixed(1)},${y(each.through_share[k]).toFixed(1)}`).join("");
  const before = pinned && (pinned.curves.response || []).find((each) => each.target === one.target);
  const row = (answer.targets || []).find((each) => each.target === one.target);
  const name = one.target.replaceAll("_", " ");
  const asked = row ? `: ${row.came_to}; ${row.asked} asked` : "";
  const drawn = h("svg:svg", {viewBox: "0 0 320 156", role: "img", "aria-label": `Response curve of ${name}${asked}`});
  for (const share of [0, 0.5, 1])
    drawn.append(h("svg:line", {class: "grid", x1: left, x2: right, y1: y(share), y2: y(share)}), h("svg:text", {x: left - 5, y: y(share) + 4, "text-anchor": "end"}, 100 * share + " %"));
  let free = -99;
  for (const time of TICKS) {
    if (time < first || time > last || x(time) < free) continue;
    drawn.append(h("svg:line", {class: "grid", x1: x(time), x2: x(time), y1: top, y2: bottom + 4}), h("svg:text", {x: x(time), y: bottom + 17, "text-anchor": x(time) > right - 14 ? "end" : "middle"}, minutes(time)));
    free = x(time) + 42;
  }
  if (one.within_min !== null && one.threshold !== null)
    drawn.append(h("svg:line", {class: "wanted", x1: x(one.within_min), x2: x(one.within_min), y1: y(one.threshold), y2: y(1)}));
  if (before) drawn.append(h("svg:path", {class: "curve before", d: path(before)}));
  drawn.append(h("svg:path", {class: "curve", d: path(one)}));
  return h("figure", {}, h("figcaption", {}, name, h("small", {}, asked), before ? h("small", {}, " ", h("span", {class: "key"}), " A") : null), drawn);
}

function weekly(name, one, interval) {
  const [left, right, top, bottom] = [30, 312, 8, 112];
  const busy = one.busy_servers, duty = one.on_duty_servers, n = busy.length;
  const before = pinned && pinned.curves.week && pinned.curves.week.pools[name];
  const most = Math.max(1, ...busy, ...duty, ...(before ? before.busy_servers : []));
  const x = (k) => left + (right - left) * k / n;
  const y = (value) => bottom - (bottom - top) * (value || 0) / most;
  const steps = (values) => values.map((value, k) => `${k ? "L" : "M"}${x(k).toFixed(1)},${y(value).toFixed(1)}H${x(k + 1).toFixed(1)}`).join("");
  const mean = (values) => values.reduce((sum, value) => sum + (value || 0), 0) / n;
  const peak = busy.indexOf(Math.max(...busy));
  const when = `${DAYS[Math.floor(peak * interval / 1440)]} ${String(Math.floor(peak * interval / 60) % 24).padStart(2, "0")}:${String(peak * interval % 60).padStart(2, "0")}`;
  const says = `${fixed(mean(busy), 1)} of ${fixed(mean(duty), 1)} busy on average, most on ${when}`;
  const drawn = h("svg:svg", {viewBox: "0 0 320 132", role: "img", "aria-label": `The week of ${name.replaceAll("_", " ")}: ${says}`});
  for (const value of [0, most])
    drawn.append(h("svg:line", {class: "grid", x1: left, x2: right, y1: y(value), y2: y(value)}), h("svg:text", {x: left - 4, y: y(value) + 4, "text-anchor": "end"}, plain(+value.toFixed(1))));
  DAYS.forEach((day, k) => drawn.append(h("svg:line", {class: "grid", x1: x(k * n / 7), x2: x(k * n / 7), y1: top, y2: bottom + 3}), h("svg:text", {x: x((k + 0.5) * n / 7), y: bottom + 15, "text-anchor": "middle"}, day)));
  drawn.append(h("svg:path", {class: "busy", d: `M${x(0)},${y(0)}` + steps(busy).replace("M", "L") + `L${x(n)},${y(0)}Z`}), h("svg:path", {class: "duty", d: steps(duty)}));
  if (before) drawn.append(h("svg:path", {class: "before", d: steps(before.busy_servers)}));
  return h("figure", {}, h("figcaption", {}, name.replaceAll("_", " "), h("small", {}, ": " + says), before ? h("small", {}, " ", h("span", {class: "key"}), " busy in A") : null), drawn);
}

// Side by side, and what goes out

function words(given) {
  const told = [];
  if (given.variant) told.push("variant " + given.variant.replaceAll("_", " "));
  if (given.reading) told.push(given.reading + " reading");
  for (const [path, value] of Object.entries(given.values)) {
    const one = controls.find((each) => each.path === path);
    told.push(one ? `${one.label} ${written(one, value)}` : `${path} ${value}`);
  }
  return told.join(", ") || "the file as it stands";
}

async function pin() {
  const on = !pinned;
  try {
    await ask("ask/pin", {page, on});
  } catch (error) {
    failed(error);
    return;
  }
  pinned = on ? {answer, curves, state: state()} : null;
  if (answer) answer.changes = undefined;
  $("pin").setAttribute("aria-pressed", String(on));
  $("pin").textContent = on ? "Let go of A" : "Keep as A, go on as B";
  $("pinned").hidden = !on;
  $("pinned").textContent = on ? `A is ${words(pinned.state)}, after ${answer.n} replications. What you move now is B, on the same tips.` : "";
  show();
}

async function copy() {
  try {
    await navigator.clipboard.writeText($("command").textContent);
    $("done").textContent = "The command is copied.";
  } catch {
    getSelection().selectAllChildren($("command"));
    document.querySelector("details").open = true;
    getSelection().selectAllChildren($("command"));
    $("done").textContent = "The command is selected; copy it with the keys of your system.";
  }
}

async function save(event) {
  event.preventDefault();
  try {
    const told = await ask("ask/save", {page, name: $("save-name").value, state: state()});
    world.variants = told.variants;
    choices();
    faults([]);
    $("done").textContent = `Saved as ${told.saved} in ${told.file}.`;
    $("save-name").value = "";
  } catch (error) {
    $("done").textContent = "";
    failed(error);
  }
}

async function report() {
  $("done").textContent = "The report is being made; that takes some seconds …";
  const found = await fetch("told/report?page=" + encodeURIComponent(page)).catch(() => null);
  $("done").textContent = "";
  if (!found || !found.ok) {
    faults(found && found.status === 422 ? (await found.json()).faults : [{text: "The report could not be made."}]);
    return;
  }
  const name = /filename="([^"]+)"/.exec(found.headers.get("Content-Disposition") || "");
  const link = h("a", {href: URL.createObjectURL(await found.blob()), download: name ? name[1] : "report.html"});
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  $("done").textContent = "The report is downloaded.";
}

// A day in motion, of the state whose replications are done

let day = null;

async function showsDay() {
  const move = answer.move;
  $("day-said").textContent = "The day is being made …";
  const found = await fetch("told/day?page=" + encodeURIComponent(page)).catch(() => null);
  const made = found && found.ok ? await found.json() : null;
  if (move !== answer.move) return;
  clearDay();
  if (!made) {
    $("day-said").textContent = "There is no day to show of this state.";
    return;
  }
  $("day-said").textContent = made.says.join(" ");
  $("day").hidden = false;
  day = window.showDay($("day"), made.day);
}

function clearDay() {
  // What is shown is of one state; after a move it would be of another.
  if (day) day.remove();
  day = null;
  $("day").hidden = true;
  $("day-said").textContent = "";
}

// Beginning

function listen() {
  const stream = new EventSource("told/events?page=" + encodeURIComponent(page));
  stream.addEventListener("answer", (event) => told(JSON.parse(event.data)));
  stream.addEventListener("status", (event) => {
    const status = JSON.parse(event.data);
    if (status && (!answer || !answer.done)) $("said").textContent = status[0].toUpperCase() + status.slice(1) + " …";
  });
  stream.addEventListener("error", () => {
    if (stream.readyState === EventSource.CLOSED) failed(new Error("gone"));
  });
}

async function open() {
  let kept = null;
  try { kept = JSON.parse(sessionStorage.getItem(KEEP)); } catch { kept = null; }
  let begun;
  try {
    begun = await ask("ask/pages", {state: kept});
  } catch (error) {
    if (!kept || !error.faults) { failed(error); return; }
    sessionStorage.removeItem(KEEP);
    begun = await ask("ask/pages", {state: null});
  }
  world = begun;
  page = begun.page;
  history = [begun.state];
  sent = JSON.stringify(begun.state);
  began[-1] = performance.now();
  $("about").textContent = [begun.about, begun.file].filter(Boolean).join(" · ");
  choices();
  meant(begun);
  buttons();
  listen();
}

$("undo").addEventListener("click", () => step(-1));
$("redo").addEventListener("click", () => step(1));
$("reset").addEventListener("click", () => { go(blank()); choices(); send(); });
$("pin").addEventListener("click", pin);
$("copy").addEventListener("click", copy);
$("save").addEventListener("submit", save);
$("show-day").addEventListener("click", showsDay);
$("report").addEventListener("click", report);
$("form").addEventListener("submit", (event) => event.preventDefault());
$("form").addEventListener("change", (event) => {
  const input = event.target;
  if (input.name === "variant" || input.name === "reading") go({...state(), [input.name]: input.value || null});
  else if (input === $("until")) go({...state(), until_decided: input.checked});
  else return;
  send();
});
document.addEventListener("keydown", (event) => {
  const text = event.target.matches("input[type=text], input[type=number]");
  if (text || !(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return;
  event.preventDefault();
  const button = event.shiftKey ? $("redo") : $("undo");
  if (!button.disabled) button.click();
});
open();
