// A day in motion: tips as dots that wait at stages and are taken in hand, people busy by pool, promises that break.
//
// showDay(root, day, options) fills the element `root`, and gives { seek(minute), play(), pause(), remove() }. `day` is
// what `day_json` of day.py gives. Nothing moves before it is asked to; who asks the system for less motion gets stills
// with a slider. It needs nothing else, and draws on one canvas.
function showDay(root, day, options = {}) {
  const INK = "#1a1a1a";
  const GREY = "#5c5c5c";
  const FAINT = "#c8c8c8";
  const BLUE = "#0072b2";
  const VERMILION = "#d55e00";
  const ORANGE = "#e69f00";
  const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif';
  const NOT_YET = -1;
  const [GAVE_UP, TURNED_AWAY] = [1, 2];
  const SPEEDS = [[5, "slow"], [15, "middling"], [45, "fast"]]; // minutes a second
  const FADES = 500; // milliseconds in which a dot that leaves is seen

  const make = (name, attributes = {}, children = []) => {
    const one = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) one.setAttribute(key, value);
    one.append(...[children].flat());
    return one;
  };

  const used = day.stages.map((_, at) => day.visits.some((visit) => visit[1] === at));
  const lanes = day.stages.map((stage, at) => ({ ...stage, at })).filter((lane) => used[lane.at]);
  const laneOf = new Map(lanes.map((lane, row) => [lane.at, row]));
  const most = day.length / 10;
  const least = window.matchMedia("(prefers-reduced-motion: reduce)");

  let minute = day.peak / 10;
  let speed = SPEEDS[1][0];
  let last = 0; // when the frame before was drawn; 0 while nothing plays
  let frame = 0;
  let width = 0;
  let height = 0;
  let dots = new Map(); // by visit: where it is drawn
  let leaving = [];

  // What it is made of

  const canvas = make("canvas", { role: "img", "aria-label": options.label ?? `A day in motion: ${day.date}` });
  const clock = make("output", { class: "day-clock" });
  const slider = make("input", { type: "range", min: 0, max: most, step: 1, "aria-label": "Time of the day" });
  const play = make("button", { type: "button" }, "Play");
  const speeds = make("select", {}, SPEEDS.map(([value, text]) => make("option", { value }, text)));
  speeds.value = String(speed);
  const pace = make("label", {}, ["Speed ", speeds]);
  const still = make("p", { class: "note", hidden: "" }, "Stills, since this system asks for less motion: move the slider.");
  const over = day.pools.some((pool) => pool.busy.some((busy, at) => busy > pool.staff[at]));
  const swatch = (kind) => make("canvas", { width: 28, height: 28, class: "day-swatch", "data-kind": kind, "aria-hidden": "true" });
  const key = make("p", { class: "note" }, [
    swatch("waits"), " waits, the next in line on the right; ", swatch("hand"), " in hand; ",
    ...(lanes.some((lane) => lane.pool === NOT_YET) ? [swatch("delay"), " on its way without anybody; "] : []), swatch("broken"),
    " a promise to it is broken; ", swatch("gone"), " gives up or is turned away.",
    ...(over ? [" ", swatch("over"), " busy beyond those on duty, in overtime."] : []),
  ]);
  const stage = make("div", {}, [
    clock, canvas, make("div", { class: "controls day-controls" }, [play, slider, pace]), still, key,
  ]);
  const fold = make("details", { open: "", class: "day-fold" }, [make("summary", {}, "The day in motion (fold it to switch it off)"), stage]);
  root.replaceChildren(fold);

  // Where everything is at a time

  const tenths = () => minute * 10;
  const isOver = (visit, time) => visit[4] !== NOT_YET && visit[4] <= time;
  const inHand = (visit, time) => visit[3] !== NOT_YET && visit[3] <= time;
  const isBroken = (tip, time) => day.tips[tip][2] !== NOT_YET && day.tips[tip][2] <= time;
  // What a list of changes says at this time.
  function at(series, name) {
    let [low, high] = [0, series.from.length];
    while (low < high) {
      const half = (low + high) >> 1;
      if (series.from[half] <= tenths()) low = half + 1;
      else high = half;
    }
    return series[name][Math.max(low - 1, 0)] ?? 0;
  }
  const sum = (name) => day.pools.reduce((all, pool) => all + at(pool, name), 0);
  const time = (value) => {
    const whole = Math.floor(value);
    return `${String(Math.floor(whole / 60)).padStart(2, "0")}:${String(whole % 60).padStart(2, "0")}`;
  };
  const number = (value) => value.toLocaleString("en");
  const broken = () => day.targets.reduce((all, target) => all + at(target, "broken"), 0);

  // Where every tip is a dot they are counted; else the counts of the pools are of all of them, minute by minute.
  function told(counts) {
    const n = broken();
    const dotted = lanes.reduce((all, lane, row) => all + (lane.pool === NOT_YET ? 0 : counts[row][0]), 0);
    const wait = day.tips.length < day.of ? sum("waiting") : dotted;
    const people = `${number(sum("busy"))} people busy and ${number(sum("staff"))} on duty`;
    return `${time(minute)}: ${number(wait)} wait, ${people}, ${number(n)} ${n === 1 ? "promise" : "promises"} broken since midnight`;
  }

  // The measures of the picture

  const narrow = () => width < 560;
  const left = () => (narrow() ? 8 : 130);
  const high = () => (narrow() ? 46 : 34);
  const top = 20;
  const poolTop = () => top + lanes.length * high() + 16;
  const poolHigh = () => (narrow() ? 36 : 22);
  const middle = () => left() + (width - left()) * 0.62;
  const middleOf = (row) => top + row * high() + (narrow() ? 29 : 17);

  function measure() {
    const ratio = window.devicePixelRatio || 1;
    width = Math.max(stage.clientWidth, 240);
    height = poolTop() + day.pools.length * poolHigh() + 6;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.getContext("2d").setTransform(ratio, 0, 0, ratio, 0, 0);
  }

  // Two rows of dots from the border between waiting and in hand, the first of them nearest to it.
  function spot(row, number, waits) {
    const [column, line] = [Math.floor(number / 2), number % 2];
    const x = middle() + (waits ? -12 - 10 * column : 12 + 10 * column);
    return [x, middleOf(row) + (line ? 6 : -6)];
  }

  function room(waits) {
    const wide = waits ? middle() - left() - 40 : width - middle() - 46;
    return 2 * Math.max(Math.floor(wide / 10), 1);
  }

  // One frame

  function placed(now) {
    const found = new Map();
    const counts = lanes.map(() => [0, 0]);
    const here = day.visits.filter((visit) => visit[2] <= now && !isOver(visit, now) && laneOf.has(visit[1]));
    for (const visit of here) {
      const row = laneOf.get(visit[1]);
      const waits = !inHand(visit, now);
      const number = counts[row][waits ? 0 : 1]++;
      if (number < room(waits)) found.set(visit, { spot: spot(row, number, waits), waits });
    }
    return { found, counts };
  }

  function draw(real = 0) {
    const moves = last > 0;
    const now = tenths();
    const { found, counts } = placed(now);
    const share = moves ? 1 - Math.exp(-(real - last) / 90) : 1;
    const before = new Map([...dots].map(([visit, dot]) => [visit[0], dot]));
    const next = new Map();
    for (const [visit, aim] of found) {
      const from = dots.get(visit) ?? before.get(visit[0]) ?? { x: left() - 6, y: aim.spot[1] };
      const dot = moves
        ? { x: from.x + (aim.spot[0] - from.x) * share, y: from.y + (aim.spot[1] - from.y) * share }
        : { x: aim.spot[0], y: aim.spot[1] };
      next.set(visit, { ...dot, waits: aim.waits });
    }
    if (moves) {
      const still = new Set([...next.keys()].map((visit) => visit[0]));
      for (const [visit, dot] of dots) {
        const gone = visit[5] === GAVE_UP || visit[5] === TURNED_AWAY;
        if (!next.has(visit) && isOver(visit, now) && (gone || !still.has(visit[0]))) leaving.push({ ...dot, gone, visit, since: real });
      }
    }
    leaving = moves ? leaving.filter((one) => real - one.since < FADES) : [];
    dots = next;
    paint(now, counts, real);
  }

  function paint(now, counts, real) {
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, width, height);
    pen.textBaseline = "middle";
    write(pen, "wait", middle() - 8, 9, { align: "right", colour: GREY });
    write(pen, "in hand", middle() + 8, 9, { colour: GREY });
    lanes.forEach((lane, row) => {
      const y = top + row * high();
      line(pen, narrow() ? 0 : left(), y + high(), width, y + high(), FAINT);
      line(pen, middle(), y + (narrow() ? 18 : 4), middle(), y + high() - 4, FAINT);
      write(pen, lane.name, narrow() ? 0 : 4, narrow() ? y + 9 : middleOf(row), { most: narrow() ? middle() - 12 : left() - 12 });
      for (const [side, waits] of [[0, true], [1, false]]) {
        const beyond = counts[row][side] - room(waits);
        // Of a day of which some tips are shown alone, how many dots have no room is no number of anything.
        if (beyond > 0) write(pen, day.tips.length < day.of ? "…" : `+${beyond}`, waits ? left() : width - 2, middleOf(row), { align: waits ? "left" : "right", colour: GREY });
      }
    });
    for (const one of leaving) {
      const share = (real - one.since) / FADES;
      pen.globalAlpha = 1 - share;
      if (one.gone) mark(pen, one.x, one.y + 14 * share, "gone");
      else mark(pen, one.x + 26 * share, one.y, isBroken(one.visit[0], now) ? "broken" : day.stages[one.visit[1]].pool === NOT_YET ? "delay" : "hand");
    }
    pen.globalAlpha = 1;
    for (const [visit, dot] of dots) {
      if (isBroken(visit[0], now)) mark(pen, dot.x, dot.y, "broken");
      else mark(pen, dot.x, dot.y, dot.waits ? "waits" : day.stages[visit[1]].pool === NOT_YET ? "delay" : "hand");
    }
    day.pools.forEach((pool, row) => people(pen, pool, poolTop() + row * poolHigh()));
    clock.textContent = told(counts);
    slider.value = String(Math.floor(minute));
    slider.setAttribute("aria-valuetext", clock.textContent);
  }

  // A pool: a square a person, filled where busy; a bar where there are more than squares have room.
  function people(pen, pool, y) {
    const [staff, busy] = [at(pool, "staff"), at(pool, "busy")];
    const middleY = narrow() ? y + 25 : y + 10;
    const words = `${number(busy)} busy, ${number(staff)} on duty`;
    write(pen, pool.name, narrow() ? 0 : 4, narrow() ? y + 9 : middleY, { most: narrow() ? width - 140 : left() - 12 });
    write(pen, words, width - 2, narrow() ? y + 9 : middleY, { align: "right", colour: GREY });
    const from = narrow() ? 0 : left();
    const wide = (narrow() ? width : width - 140) - from;
    const n = Math.max(staff, busy, 1);
    const each = Math.min(14, wide / n);
    if (each < 5) {
      pen.fillStyle = FAINT;
      pen.fillRect(from, middleY - 5, wide, 10);
      pen.fillStyle = BLUE;
      pen.fillRect(from, middleY - 5, (wide * busy) / n, 10);
      return;
    }
    for (let person = 0; person < Math.max(staff, busy); person++) {
      const x = from + person * each;
      pen.fillStyle = person < busy ? (person < staff ? BLUE : ORANGE) : "#ffffff";
      pen.strokeStyle = GREY;
      pen.lineWidth = 1;
      pen.fillRect(x + 0.5, middleY - 5.5, each - 3, 11);
      pen.strokeRect(x + 0.5, middleY - 5.5, each - 3, 11);
    }
  }

  function mark(pen, x, y, kind) {
    pen.lineWidth = 1.5;
    pen.beginPath();
    if (kind === "over") {
      pen.fillStyle = ORANGE;
      pen.strokeStyle = GREY;
      pen.lineWidth = 1;
      pen.rect(x - 5.5, y - 5.5, 11, 11);
      pen.fill();
      pen.stroke();
      return;
    }
    if (kind === "gone") {
      pen.strokeStyle = INK;
      pen.moveTo(x - 4, y - 4);
      pen.lineTo(x + 4, y + 4);
      pen.moveTo(x + 4, y - 4);
      pen.lineTo(x - 4, y + 4);
      pen.stroke();
      return;
    }
    if (kind === "broken") {
      pen.rect(x - 3.5, y - 3.5, 7, 7);
      pen.fillStyle = VERMILION;
      pen.strokeStyle = INK;
      pen.lineWidth = 1;
    } else {
      pen.arc(x, y, 4, 0, 2 * Math.PI);
      pen.fillStyle = { hand: BLUE, delay: GREY }[kind] ?? "#ffffff";
      pen.strokeStyle = { hand: BLUE, delay: GREY }[kind] ?? INK;
    }
    pen.fill();
    pen.stroke();
  }

  function line(pen, x, y, toX, toY, colour) {
    pen.strokeStyle = colour;
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(x, y + 0.5);
    pen.lineTo(toX, toY + 0.5);
    pen.stroke();
  }

  function write(pen, text, x, y, { align = "left", colour = INK, most = Infinity } = {}) {
    pen.font = `12px ${FONT}`;
    pen.fillStyle = colour;
    pen.textAlign = align;
    let shown = text;
    while (shown.length > 1 && pen.measureText(shown).width > most) shown = `${shown.slice(0, -2)}…`;
    pen.fillText(shown, x, y);
  }

  // Playing

  function tick(real) {
    if (last > 0) minute += (speed * Math.min(real - last, 100)) / 1000;
    if (minute >= most) {
      minute = most;
      pause();
      return;
    }
    draw(real);
    last = real;
    frame = requestAnimationFrame(tick);
  }

  function start() {
    if (frame || least.matches) return;
    if (minute >= most) minute = 0;
    play.textContent = "Pause";
    frame = requestAnimationFrame(tick);
  }

  function pause() {
    cancelAnimationFrame(frame);
    [frame, last] = [0, 0];
    play.textContent = "Play";
    draw();
  }

  function seek(to) {
    const plays = frame !== 0;
    if (plays) pause();
    minute = Math.min(Math.max(Number(to), 0), most);
    draw();
  }

  function calm() {
    if (least.matches) pause();
    play.hidden = pace.hidden = least.matches;
    still.hidden = !least.matches;
  }

  play.addEventListener("click", () => (frame ? pause() : start()));
  slider.addEventListener("input", () => seek(slider.value));
  speeds.addEventListener("change", () => (speed = Number(speeds.value)));
  fold.addEventListener("toggle", () => (fold.open ? draw() : pause()));
  least.addEventListener("change", calm);
  const seen = new IntersectionObserver((all) => all.every((one) => !one.isIntersecting) && frame && pause());
  seen.observe(canvas);
  const sized = new ResizeObserver(() => {
    if (!stage.clientWidth || stage.clientWidth === width) return;
    measure();
    if (!frame) draw();
  });
  sized.observe(stage);
  for (const one of key.querySelectorAll("canvas")) {
    const pen = one.getContext("2d");
    pen.scale(2, 2);
    mark(pen, 7, 7, one.dataset.kind);
  }
  measure();
  calm();
  draw();

  function remove() {
    pause();
    seen.disconnect();
    sized.disconnect();
    least.removeEventListener("change", calm);
    root.replaceChildren();
  }

  return { seek, play: start, pause, remove };
}
