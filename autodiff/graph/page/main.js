// The page: the state that its parts share, and the controls.

const data = JSON.parse(document.querySelector("#data").textContent);
const MOST_BOXES = 400; // that "open all" may make

const CLOSE = innerWidth < 760 ? 0.65 : 0.55; // the scale at which small letters can still be read

const find = (selector) => document.querySelector(selector);
const sweep = new Sweep(data.nodes, data.root, RULES);
const words = new Words(data.nodes, sweep);
const open = new Set([0, ...data.open]);
const view = new View(find("#graph"), data, sweep);
const camera = new Camera(view.svg, view.world, (window) => view.cells?.show(window));
const panel = new Panel({ data, sweep, words }, { select: goToNode, edit: editLeaf });
let stops = []; // the steps at which the controls stop
let byScope = false;
let playing = 0;
const tooltip = find("#tooltip");
let tooltipFor = null; // the box that it tells about

// -- boxes -----------------------------------------------------------------------------------------

const whole = () => ({ x: 0, y: 0, w: view.layout.width, h: view.layout.height });

/** Draw anew; what stands at `anchor`, a function that finds a rectangle, stays where it is. */
function redraw(anchor = () => undefined) {
  tooltip.hidden = true;
  const before = view.layout && anchor();
  view.draw(open);
  findStops();
  const after = anchor();
  if (before && after) {
    const { k } = camera;
    camera.set(k, camera.x + (before.x - after.x) * k, camera.y + (before.y - after.y) * k);
  }
  camera.update();
  find("#close").disabled = data.groups.every((_, g) => g === 0 || !open.has(g));
  setRoving(view.order[0], false);
  markOnly("selected", view.parts.get(panel.node)?.element);
  view.mark(presentSteps());
}

/** The rectangle of a group, closed or open. */
function groupRect(g) {
  return view.layout.clusters.get(g) ?? view.layout.boxes.get(view.first + g);
}

function toggleGroup(g) {
  const all = camera.sees(whole());
  if (!open.delete(g)) open.add(g);
  redraw(() => groupRect(g));
  if (all) camera.fit(whole(), CLOSE); // what was seen as a whole stays so
  setRoving(elementOfGroup(g), true);
}

function elementOfGroup(g) {
  return view.parts.get(view.first + g)?.element ?? view.world.querySelector(`[data-cluster="${g}"]`);
}

/** Open or close all groups. */
function setAll(opening) {
  open.clear();
  data.groups.forEach((_, g) => (opening || g === 0) && open.add(g));
  redraw();
  camera.fit(whole(), CLOSE);
}

/** What a click, or Enter, does to a box or the title of an open group. */
function activate(element) {
  if (element.dataset.cluster) {
    toggleGroup(Number(element.dataset.cluster));
    return;
  }
  const id = Number(element.dataset.id);
  setRoving(element, true);
  if (view.isGroup(id)) toggleGroup(id - view.first);
  else select(id, true);
}

/** Show a node in the panel; a leaf's number can then be typed. */
function select(i, typing = false) {
  panel.showNode(i);
  markOnly("selected", view.parts.get(i)?.element);
  const input = find("#number");
  if (typing && input && !input.disabled) {
    input.focus({ preventScroll: true });
    input.select();
  }
}

/** Give a class to one element only. */
function markOnly(name, element) {
  view.world.querySelectorAll(`.${name}`).forEach((other) => other.classList.remove(name));
  element?.classList.add(name);
}

/** Open the groups that a node is in, and go to it. */
function goToNode(i) {
  openPath(data.nodes.parent[i]);
  camera.reveal(view.layout.boxes.get(i), true);
  select(i);
  setRoving(view.parts.get(i).element, false);
}

function openPath(g) {
  const closed = groupPath(data.groups, g).filter((h) => h >= 0 && !open.has(h));
  if (!closed.length) return;
  closed.forEach((h) => open.add(h));
  redraw();
}

// -- steps -----------------------------------------------------------------------------------------

/** All steps, or the last of each run of steps that work in the same box. */
function findStops() {
  stops = [0];
  const boxAt = (step) => {
    const { phase, node } = sweep.what(step);
    return phase === "seed" ? -1 : view.layout.boxOf[node];
  };
  for (let step = 1; step <= sweep.steps; step++) {
    const same = byScope && step < sweep.steps && boxAt(step) === boxAt(step + 1);
    const turns = step === sweep.forward.length; // the last forward step is one to see
    if (!same || turns) stops.push(step);
  }
}

function goTo(step) {
  const target = Math.min(sweep.steps, Math.max(0, step));
  view.update(sweep.goTo(target));
  showStep();
}

/** The steps that the present stop is for. */
function presentSteps() {
  const { step } = sweep;
  const first = byScope ? (stops.findLast((stop) => stop < step) ?? -1) + 1 : step;
  return Array.from({ length: step - first + 1 }, (_, k) => sweep.what(first + k));
}

function showStep() {
  const { step } = sweep;
  const steps = presentSteps();
  const id = view.mark(steps);
  const many = steps.length > 1 && view.isGroup(id);
  panel.showStep(many ? { count: steps.length, label: view.face(id).title } : undefined);
  panel.refreshNode();
  if (!tooltip.hidden) showTooltip(tooltipFor);
  if (!playing) find("#live").textContent = words.sentence();
  if (id !== undefined) camera.reveal(view.parts.get(id).rect);
  find("#slider").value = step;
  find("#place").textContent = `${step} / ${sweep.steps}`;
  find("#first").disabled = find("#back").disabled = step === 0;
  find("#forward").disabled = find("#last").disabled = step === sweep.steps;
}

const forward = () => goTo(stops.find((stop) => stop > sweep.step) ?? sweep.steps);
const back = () => goTo(stops.findLast((stop) => stop < sweep.step) ?? 0);

function play(on) {
  cancelAnimationFrame(playing);
  playing = 0;
  const button = find("#play");
  button.classList.toggle("playing", on);
  button.setAttribute("aria-label", on ? "Pause" : "Play");
  if (!on) {
    find("#live").textContent = words.sentence(); // silent while it ran
    return;
  }
  if (sweep.step === sweep.steps) goTo(0);
  const pause = Math.min(700, Math.max(16, 30000 / stops.length));
  let last = -Infinity;
  const tick = (now) => {
    if (now - last >= pause - 4) {
      forward();
      last = now;
    }
    if (sweep.step === sweep.steps) play(false);
    else playing = requestAnimationFrame(tick);
  };
  playing = requestAnimationFrame(tick);
}

/** Change the number of a leaf: all is recomputed, at the same step. */
function editLeaf(i, number) {
  sweep.setLeaf(i, number);
  showNumbers();
}

function showNumbers() {
  view.update(data.nodes.op.keys());
  find("#reset").disabled = !sweep.edited;
  showStep();
}

function reset() {
  sweep.reset();
  showNumbers();
  if (panel.node !== undefined) select(panel.node);
}

// -- search ----------------------------------------------------------------------------------------

const search = { hits: [], at: -1 };

/** Find nodes by name or operation, and groups by label. */
function findHits() {
  const text = find("#search").value.trim().toLowerCase();
  const has = (string) => string.toLowerCase().includes(text);
  search.hits = [];
  search.at = -1;
  if (text) {
    data.groups.forEach((group, g) => g && has(group.label) && search.hits.push({ group: g }));
    data.nodes.op.forEach((op, i) => {
      const { name, label } = data.nodes;
      if (has(name[i]) || has(op) || label[i] === text) search.hits.push({ node: i });
    });
  }
  showHits(text);
}

function showHits(text) {
  const { hits, at } = search;
  const counted = hits.length ? plural(hits.length, "hit") : "no hits";
  find("#hits").textContent = text ? (at < 0 ? counted : `${at + 1} of ${hits.length}`) : "";
  if (at < 0) markOnly("hit", null);
}

function nextHit(by) {
  const { hits } = search;
  if (!hits.length) return;
  search.at = (search.at + by + hits.length) % hits.length;
  const { node, group } = hits[search.at];
  if (node !== undefined) {
    goToNode(node);
  } else {
    openPath(data.groups[group].parent);
    camera.reveal(groupRect(group), true);
  }
  const element = node === undefined ? elementOfGroup(group) : view.parts.get(node).element;
  markOnly("hit", element);
  setRoving(element, false);
  showHits("shown");
}

// -- focus, keys, tooltip --------------------------------------------------------------------------

let roving = null; // the one box that the Tab key stops at

function setRoving(element, focus) {
  roving?.setAttribute("tabindex", -1);
  roving = element;
  element?.setAttribute("tabindex", 0);
  if (focus) element?.focus({ preventScroll: true });
}

/** Move the focus to the next or the last box before it. */
function moveFocus(by) {
  const { order } = view;
  const at = order.indexOf(document.activeElement);
  const next = at < 0 ? roving : order[(at + by + order.length) % order.length];
  const rect = next.dataset.id && view.parts.get(Number(next.dataset.id)).rect;
  if (rect) camera.reveal(rect, false, true);
  setRoving(next, true);
}

const KEYS = {
  ArrowRight: forward,
  ArrowLeft: back,
  Home: () => goTo(0),
  End: () => goTo(sweep.steps),
  ArrowDown: () => moveFocus(1),
  ArrowUp: () => moveFocus(-1),
  "+": () => camera.zoom(1.25),
  "=": () => camera.zoom(1.25),
  "-": () => camera.zoom(0.8),
  f: () => camera.fit(whole()),
  p: () => play(!playing),
  "/": () => find("#search").focus(),
  "?": () => find("#help").showModal(),
};

document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || find("#help").open) return;
  if (target.matches("input:not([type=range], [type=radio])")) {
    if (key === "Escape") setRoving(roving, true);
    return;
  }
  if (target.matches("[type=radio]") && /ArrowUp|ArrowDown/.test(key)) return;
  const box = target.closest("[data-id], [data-cluster]");
  if (box && (key === "Enter" || key === " ")) {
    event.preventDefault();
    activate(box);
  } else if (Object.hasOwn(KEYS, key)) {
    event.preventDefault();
    KEYS[key]();
  }
});

function showTooltip(element) {
  tooltipFor = element;
  const lines = view.describe(Number(element.dataset.id)).map((line) => h("div", null, line));
  tooltip.replaceChildren(...lines);
  tooltip.hidden = false;
  const box = element.getBoundingClientRect();
  const { offsetWidth, offsetHeight } = tooltip;
  const left = Math.min(innerWidth - offsetWidth - 8, Math.max(8, box.left));
  const below = box.bottom + 8 + offsetHeight < innerHeight;
  tooltip.style.left = `${left}px`;
  tooltip.style.top = `${below ? box.bottom + 8 : Math.max(8, box.top - offsetHeight - 8)}px`;
}

for (const [show, hide] of [["pointerover", "pointerout"], ["focusin", "focusout"]]) {
  view.svg.addEventListener(show, ({ target, pointerType }) => {
    const box = target.closest("[data-id]");
    if (box && pointerType !== "touch") showTooltip(box);
  });
  view.svg.addEventListener(hide, () => (tooltip.hidden = true));
}
view.svg.addEventListener("click", ({ target }) => {
  const element = target.closest("[data-id], [data-cluster]");
  if (!camera.dragged && element) activate(element);
});

// -- controls --------------------------------------------------------------------------------------

const CLICKS = {
  "#first": () => goTo(0),
  "#back": back,
  "#play": () => play(!playing),
  "#forward": forward,
  "#last": () => goTo(sweep.steps),
  "#open": () => setAll(true),
  "#close": () => setAll(false),
  "#in": () => camera.zoom(1.25),
  "#out": () => camera.zoom(0.8),
  "#fit": () => camera.fit(whole()),
  "#reset": reset,
  "#keys": () => find("#help").showModal(),
  "#theme": () => {
    const { dataset } = document.documentElement;
    const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
    dataset.theme = (dataset.theme ?? system) === "dark" ? "light" : "dark";
  },
};
for (const [selector, act] of Object.entries(CLICKS)) find(selector).addEventListener("click", act);

find("#size").textContent = plural(data.nodes.op.length, "node");
find("#slider").max = sweep.steps;
find("#slider").addEventListener("input", ({ target }) => {
  goTo(stops.find((stop) => stop >= Number(target.value)));
});
for (const choice of document.querySelectorAll("[name=unit]")) {
  choice.addEventListener("change", () => {
    byScope = find("#by-scope").checked;
    findStops();
    showStep();
  });
}
find("#search").addEventListener("input", findHits);
find("#search").addEventListener("keydown", (event) => {
  if (event.key === "Enter") nextHit(event.shiftKey ? -1 : 1);
});

const boxes = data.nodes.op.length;
if (boxes > MOST_BOXES) {
  find("#open").disabled = true;
  find("#open").title = `That would make ${boxes} boxes; at most ${MOST_BOXES} are opened at once.`;
}
if (data.groups.length === 1) find("#open").disabled = true;

redraw();
camera.fit(whole(), CLOSE);
showStep();
select(undefined);

/** For tests and for scripts: what the page shows, and a hand on it. */
window.explorer = {
  state: () => ({
    step: sweep.step,
    steps: sweep.steps,
    data: Array.from(sweep.data),
    known: Array.from(sweep.data, (_, i) => sweep.isKnown(i)),
    adjoints: Array.from(sweep.adjoints),
    current: sweep.step ? sweep.what(sweep.step).node : null,
  }),
  goTo,
  setLeaf: editLeaf,
  visible: () =>
    [...view.layout.boxes].map(([id, rect]) => ({
      node: view.isGroup(id) ? null : id,
      group: view.isGroup(id) ? id - view.first : null,
      ...rect,
    })),
};
