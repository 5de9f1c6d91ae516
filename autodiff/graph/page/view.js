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
    const paths = data.groups.map((_, g) => groupPath(data.groups, g));
    this.counts = data.groups.map(() => 0); // nodes, those of inner groups included
    this.turns = data.groups.map(() => 0); // the step from which all of them are known
    const borders = data.groups.map(() => new Set()); // what is read outside the group, and the root
    const { parent, operands } = data.nodes;
    parent.forEach((p, i) => {
      for (const g of paths[p]) {
        this.counts[g]++;
        this.turns[g] = Math.max(this.turns[g], sweep.turn[i]);
        if (i === sweep.root) borders[g].add(i);
      }
      for (const x of operands[i].filter((x) => parent[x] !== p)) {
        for (const g of paths[parent[x]]) if (!paths[p].includes(g)) borders[g].add(x);
      }
    });
    this.borders = borders.map((border) => [...border]);
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
      return { kind: "group", title, count: plural(this.counts[g], "node") };
    }
    const op = nodes.op[id];
    if (op === "(constant)") return { kind: "constant", title: "" };
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
    const layers = ["clusters", "edges", "marks", "boxes"];
    const [below, lines, marks, above] = layers.map((name) => svgElement("g", { class: name }));
    this.parts = new Map();
    this.order = []; // what can have the focus, from left to right
    this.arrows = marks;
    this.current = null;
    this.cells = new Cells(lines, above);
    for (const [g, rect] of clusters) this.#drawCluster(g, rect, below);
    this.cells.drawEdges(edges);
    this.incoming = new Map();
    for (const edge of edges) {
      if (!this.incoming.has(edge.to)) this.incoming.set(edge.to, []);
      this.incoming.get(edge.to).push(edge);
    }
    const placed = [...boxes].sort(([, a], [, b]) => a.x + a.w / 2 - b.x - b.w / 2 || a.y - b.y);
    for (const [id, rect] of placed) this.#drawBox(id, rect);
    this.world.replaceChildren(svgElement("title"), below, lines, marks, above); // no native tooltip
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
    this.order.push(button);
    const title = this.#clusterTitle(g);
    const size = { width: measure(title, TITLE) + 18, height: 22, rx: 7 };
    svgElement("rect", { x: x + 5, y: y + 5, ...size }, button);
    svgElement("text", { x: x + 14, y: y + 20.5, class: "name" }, button).textContent = title;
  }

  #drawBox(id, rect) {
    const { kind, title, symbol, count } = this.face(id);
    const element = svgElement("g", { class: `box ${kind}`, role: "button", tabindex: -1 });
    element.dataset.id = id;
    this.cells.box(rect).append(element);
    this.order.push(element);
    drawShape(kind, rect, element);
    const part = { element, rect };
    const x = rect.x + rect.w / 2;
    const text = svgElement("text", {}, element); // one: what a browser works at are its texts
    if ((kind === "leaf" || kind === "op") && !this.data.nodes.name[id]) {
      const corner = { class: "number-of", x: rect.x + (kind === "leaf" ? 12 : 5), y: rect.y + 11 };
      svgElement("tspan", corner, text).textContent = `n${id}`;
    }
    let y = rect.y + (kind === "constant" ? 17.5 : 21);
    const line = (name) => {
      const span = svgElement("tspan", { x, y, class: name }, text);
      y += LINE;
      return span;
    };
    if (title) line(symbol ? "symbol" : "name").textContent = kind === "group" ? `+ ${title}` : title;
    if (count) line("value").textContent = count;
    else part.value = line("value").appendChild(document.createTextNode(""));
    if (kind !== "constant") {
      const span = line("grad");
      const word = svgElement("tspan", { class: "word" }, span);
      part.word = word.appendChild(document.createTextNode(""));
      part.grad = span.appendChild(document.createTextNode(""));
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
      const g = id - this.first;
      this.#write(part, this.turns[g] <= sweep.step, this.norm(g), false);
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
        `group of ${plural(this.counts[g], "node")}`,
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

  /**
   * Mark the box of the last of some steps, and the arrows along which these work.  While shares are
   * handed back, the arrows point to the operands.
   * @param {{phase: string, node: number}[]} steps  which work in the same box
   * @returns {number | undefined} the id of the box
   */
  mark(steps) {
    this.current?.classList.remove("current");
    this.arrows.replaceChildren();
    const { phase, node: last } = steps[steps.length - 1];
    if (last < 0) return undefined;
    const { boxOf } = this.layout;
    const id = boxOf[last];
    this.current = this.parts.get(id).element;
    this.current.classList.add("current");
    const back = phase === "reverse";
    const shares = new Map(); // by box, what is handed to it
    for (const { node } of phase === "seed" ? [] : steps) {
      for (const { operand, adjoint, partial } of this.sweep.sums(node, !back)) {
        shares.set(boxOf[operand], (shares.get(boxOf[operand]) ?? 0) + adjoint * partial);
      }
    }
    for (const edge of this.incoming.get(id) ?? []) {
      if (!shares.has(edge.from)) continue;
      const name = back ? `back ${shares.get(edge.from) < 0 ? "negative" : "positive"}` : "flow";
      drawArrow(edge, back, name, this.arrows);
    }
    return id;
  }
}

/** The outline of a box, which tells its kind without colour. */
function drawShape(kind, { x, y, w, h }, parent) {
  const sheet = (d) => ({ class: "sheet", x: x + d, y: y - d * 0.75, width: w - d, height: h, rx: 6 });
  if (kind === "group") {
    svgElement("rect", sheet(8), parent);
    svgElement("rect", sheet(4), parent);
    svgElement("rect", { class: "shape", x, y, width: w, height: h, rx: 6 }, parent);
  } else if (kind === "constant") {
    const c = 8;
    const d = `M${x} ${y + h / 2}l${c} ${-h / 2}h${w - 2 * c}l${c} ${h / 2}l${-c} ${h / 2}h${2 * c - w}Z`;
    svgElement("path", { class: "shape", d }, parent);
  } else {
    const rx = kind === "leaf" ? Math.min(h / 2, 24) : 5;
    svgElement("rect", { class: "shape", x, y, width: w, height: h, rx }, parent);
  }
}
