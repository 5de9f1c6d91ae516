// The drawing: boxes, open groups, arrows; and what a step changes in it.

const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif';
const NUMBER = `12px ${FONT}`;
const TITLE = `600 13px ${FONT}`;
const SYMBOL = `600 16px ${FONT}`;
const WORD = `11px ${FONT}`;
const LINE = 17;
const DIGITS = 4;

const ruler = document.createElement("canvas").getContext("2d");

function measure(text, font) {
  ruler.font = font;
  return ruler.measureText(text).width;
}

/** An SVG element with attributes. */
function svgElement(name, attributes = {}, parent = null) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent?.append(element);
  return element;
}

class View {
  constructor(svg, data, sweep) {
    this.svg = svg;
    this.data = data;
    this.sweep = sweep;
    this.world = svg.querySelector("#world");
    this.first = data.nodes.op.length; // the id of group 0
    this.widest = measure("grad -8.888e-308", NUMBER); // of the numbers that boxes may come to show
    this.members = data.groups.map(() => []);
    data.nodes.parent.forEach((g, i) => {
      for (const h of groupPath(data.groups, g)) this.members[h].push(i);
    });
    this.borders = data.groups.map((_, g) => this.#border(g));
  }

  /** The nodes of a group that are read outside it, and the root if it is inside. */
  #border(g) {
    if (g === 0) return [];
    const inside = new Set(this.members[g]);
    const read = new Set(inside.has(this.sweep.root) ? [this.sweep.root] : []);
    this.data.nodes.operands.forEach((xs, v) => {
      if (!inside.has(v)) for (const x of xs) if (inside.has(x)) read.add(x);
    });
    return [...read];
  }

  /** The norm of the gradient through a group; undefined until the sweep has reached it. */
  norm(g) {
    const { adjoints, received } = this.sweep;
    if (!this.borders[g].some((i) => received[i])) return undefined;
    return Math.sqrt(this.borders[g].reduce((sum, i) => sum + adjoints[i] * adjoints[i], 0));
  }

  isGroup(id) {
    return id >= this.first;
  }

  /** The lines of a box that do not change, and its kind. */
  face(id) {
    const { nodes, groups } = this.data;
    if (this.isGroup(id)) {
      const g = id - this.first;
      const title = this.groupName(g);
      return { kind: "group", title, count: plural(this.members[g].length, "node") };
    }
    const op = nodes.op[id];
    if (op === "constant") return { kind: "constant", title: "" };
    const name = shorten(nodes.name[id]);
    if (op === "") return { kind: "leaf", title: name };
    const label = shorten(nodes.label[id] || op, 16);
    return { kind: "op", title: name ? `${name} = ${label}` : label, symbol: !name };
  }

  #size(id) {
    const { kind, title, symbol, count } = this.face(id);
    if (kind === "constant") {
      return { w: measure(brief(this.sweep.data[id], DIGITS), NUMBER) + 26, h: 26 };
    }
    const titleWidth = measure(title, symbol ? SYMBOL : TITLE);
    if (kind === "group") {
      const most = Math.max(titleWidth + 18, measure(count, NUMBER), this.widest + 14);
      return { w: most + 28, h: 3 * LINE + 16 };
    }
    const lines = title ? 3 : 2;
    return { w: Math.max(titleWidth, this.widest) + (kind === "leaf" ? 30 : 20), h: lines * LINE + 13 };
  }

  /** Draw what is visible with these groups open. */
  draw(open) {
    const width = (g) => measure(this.#clusterTitle(g), TITLE) + 24;
    this.layout = layoutNested(this.data, open, (id) => this.#size(id), width);
    const { boxes, clusters, edges } = this.layout;
    const layers = ["clusters", "edges", "boxes"].map((name) => svgElement("g", { class: name }));
    this.parts = new Map();
    this.incoming = new Map();
    this.marked = [];
    for (const [g, rect] of clusters) this.#drawCluster(g, rect, layers[0]);
    for (const edge of edges) this.#drawEdge(edge, layers[1]);
    const placed = [...boxes].sort(([, a], [, b]) => a.x + a.w / 2 - b.x - b.w / 2 || a.y - b.y);
    for (const [id, rect] of placed) this.#drawBox(id, rect, layers[2]);
    this.world.replaceChildren(svgElement("title"), ...layers); // an empty title: no native tooltip
    for (const id of this.parts.keys()) this.#refresh(id);
  }

  /** The label of a group, without the path that it shares with the group around it. */
  groupName(g) {
    const { label, kind, parent } = this.data.groups[g];
    const parts = label.split("/");
    const outer = (this.data.groups[parent]?.label ?? "").split("/");
    while (parts.length > 1 && parts[0] === outer.shift()) parts.shift();
    return shorten(parts.join("/")) || kind;
  }

  #clusterTitle(g) {
    return `− ${this.groupName(g)}`;
  }

  #drawCluster(g, { x, y, w, h }, parent) {
    const { kind, label } = this.data.groups[g];
    const element = svgElement("g", { class: `cluster ${kind}` }, parent);
    svgElement("rect", { x, y, width: w, height: h, rx: 12 }, element);
    const button = svgElement(
      "g",
      { class: "title", role: "button", tabindex: -1, "aria-expanded": true },
      element,
    );
    button.setAttribute("aria-label", `${oneLine(label) || kind}, group, open`);
    button.dataset.cluster = g;
    const title = this.#clusterTitle(g);
    const size = { width: measure(title, TITLE) + 18, height: 22, rx: 7 };
    svgElement("rect", { x: x + 5, y: y + 5, ...size }, button);
    svgElement("text", { x: x + 14, y: y + 20.5, class: "name" }, button).textContent = title;
  }

  #drawEdge(edge, parent) {
    const element = svgElement("path", { class: "edge", d: edgePath(edge) }, parent);
    if (!this.incoming.has(edge.to)) this.incoming.set(edge.to, []);
    this.incoming.get(edge.to).push({ edge, element });
  }

  #drawBox(id, rect, parent) {
    const { x, y, w, h } = rect;
    const { kind, title, symbol, count } = this.face(id);
    const element = svgElement("g", { class: `box ${kind}`, role: "button", tabindex: -1 }, parent);
    element.setAttribute("transform", `translate(${x} ${y})`);
    element.dataset.id = id;
    drawShape(kind, w, h, element);
    const part = { element, rect };
    let baseline = kind === "constant" ? 17.5 : 21;
    const line = (name) => {
      const text = svgElement("text", { x: w / 2, y: baseline, class: name }, element);
      baseline += LINE;
      return text;
    };
    if (title) line(symbol ? "symbol" : "name").textContent = kind === "group" ? `+ ${title}` : title;
    if (count) line("value").textContent = count;
    else part.value = line("value").appendChild(document.createTextNode(""));
    if (kind !== "constant") {
      const text = line("grad");
      const word = svgElement("tspan", { class: "word" }, text);
      part.word = word.appendChild(document.createTextNode(""));
      part.grad = text.appendChild(document.createTextNode(""));
    }
    if (kind === "group") element.setAttribute("aria-expanded", false);
    if (id === this.sweep.root) element.classList.add("root");
    this.parts.set(id, part);
  }

  /** Show what changed: nodes, or the groups that stand for them. */
  update(changed) {
    const ids = new Set();
    for (const i of changed) ids.add(this.layout.boxOf[i]);
    for (const id of ids) this.#refresh(id);
  }

  /** Write the present numbers into a box. */
  #refresh(id) {
    const part = this.parts.get(id);
    if (!part) return;
    const { sweep } = this;
    if (this.isGroup(id)) {
      const members = this.members[id - this.first];
      this.#write(part, members.every((i) => sweep.isKnown(i)), this.norm(id - this.first), false);
    } else {
      const known = sweep.isKnown(id);
      part.value.data = known ? brief(sweep.data[id], DIGITS) : "?";
      const adjoint = sweep.received[id] ? sweep.adjoints[id] : undefined;
      this.#write(part, known, adjoint, sweep.received[id] < sweep.uses[id]);
    }
    part.element.setAttribute("aria-label", this.describe(id).join(", "));
  }

  #write({ element, word, grad }, known, adjoint, unfinished) {
    element.classList.toggle("unknown", !known);
    if (!grad) return;
    const reached = adjoint !== undefined;
    word.data = reached ? (element.classList.contains("group") ? "‖grad‖ " : "grad ") : "";
    grad.data = reached ? brief(adjoint, DIGITS) : "";
    element.classList.toggle("unfinished", reached && unfinished);
    element.classList.toggle("positive", adjoint > 0);
    element.classList.toggle("negative", adjoint < 0);
    element.style.setProperty("--size", `${this.#intensity(adjoint)}%`);
  }

  /** How strong the colour of an adjoint is: by its order of magnitude under the largest one. */
  #intensity(adjoint) {
    if (!adjoint) return 0;
    const part = Math.abs(adjoint) / (this.sweep.largest || 1);
    return Math.round(100 * Math.min(1, Math.max(0.15, 1 + Math.log10(part) / 3)));
  }

  /** A box in words: for tooltips and screen readers. */
  describe(id) {
    const { nodes, groups } = this.data;
    const { sweep } = this;
    if (this.isGroup(id)) {
      const g = id - this.first;
      const norm = this.norm(g);
      return [
        oneLine(groups[g].label) || groups[g].kind,
        `group of ${plural(this.members[g].length, "node")}`,
        ...(norm === undefined ? [] : [`norm of the gradient ${brief(norm)}`]),
      ];
    }
    const op = nodes.op[id];
    const lines = [nodes.name[id], op === "" ? "leaf" : op].filter(Boolean).map(oneLine);
    lines.push(sweep.isKnown(id) ? `value ${full(sweep.data[id])}` : "not computed yet");
    if (sweep.received[id]) {
      const unfinished = sweep.received[id] < sweep.uses[id];
      const so = unfinished ? ` so far, ${sweep.received[id]} of ${sweep.uses[id]} shares` : "";
      lines.push(`gradient ${full(sweep.adjoints[id])}${so}`);
    }
    if (nodes.source[id]) lines.push(oneLine(nodes.source[id]));
    return lines;
  }

  /** Mark the box of the present step, and the arrows along which it works. */
  mark({ phase, node }) {
    for (const undo of this.marked) undo();
    this.marked = [];
    if (node < 0) return undefined;
    const id = this.layout.boxOf[node];
    this.#mark(this.parts.get(id).element, "current");
    if (phase === "seed") return id;
    const shares = new Map(); // by box; of two uses of one operand, the sum
    for (const x of this.data.nodes.operands[node]) shares.set(this.layout.boxOf[x], 0);
    if (phase === "reverse") {
      for (const { operand, adjoint, partial } of this.sweep.sums(node)) {
        const from = this.layout.boxOf[operand];
        shares.set(from, shares.get(from) + adjoint * partial);
      }
    }
    for (const { edge, element } of this.incoming.get(id) ?? []) {
      if (!shares.has(edge.from)) continue;
      if (phase === "forward") this.#mark(element, "flow");
      else if (!this.sweep.isConstant[edge.from]) this.#markBack(edge, element, shares.get(edge.from));
    }
    return id;
  }

  #mark(element, ...names) {
    element.classList.add(...names);
    this.marked.push(() => element.classList.remove(...names));
  }

  /** While its share is handed back, an arrow points to the operand. */
  #markBack(edge, element, share) {
    this.#mark(element, "back", share < 0 ? "negative" : "positive");
    element.setAttribute("d", edgePath(edge, true));
    this.marked.push(() => element.setAttribute("d", edgePath(edge)));
  }
}

/** The outline of a box, which tells its kind without colour. */
function drawShape(kind, w, h, parent) {
  if (kind === "group") {
    svgElement("rect", { class: "sheet", x: 8, y: -6, width: w - 8, height: h, rx: 6 }, parent);
    svgElement("rect", { class: "sheet", x: 4, y: -3, width: w - 4, height: h, rx: 6 }, parent);
    svgElement("rect", { class: "shape", width: w, height: h, rx: 6 }, parent);
  } else if (kind === "constant") {
    const c = 8;
    const d = `M${c} 0H${w - c}L${w} ${h / 2}L${w - c} ${h}H${c}L0 ${h / 2}Z`;
    svgElement("path", { class: "shape", d }, parent);
  } else {
    const rx = kind === "leaf" ? Math.min(h / 2, 24) : 5;
    svgElement("rect", { class: "shape", width: w, height: h, rx }, parent);
  }
}

/** A smooth curve through the points of an edge, once for each of its ends, with an arrow head. */
function edgePath({ points, ends }, back = false) {
  return ends
    .map((end) => {
      let d = `M${points[0][0]} ${points[0][1]}`;
      let [px, py] = points[0];
      for (const [x, y] of [...points.slice(1), end]) {
        const bend = x >= px ? (x - px) / 2 : Math.min(160, 40 + (px - x) / 3);
        d += y === py && x >= px ? `H${x}` : `C${px + bend} ${py} ${x - bend} ${y} ${x} ${y}`;
        [px, py] = [x, y];
      }
      const [[tip, y], side] = back ? [points[0], 1] : [end, -1];
      return `${d}M${tip + 7 * side} ${y - 4}L${tip + side} ${y}L${tip + 7 * side} ${y + 4}`;
    })
    .join("");
}
