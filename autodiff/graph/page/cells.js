// The plane in square cells, and arrows cut into pieces that fit them.
//
// A browser goes through all that it renders for every frame; so the cells that are out of sight
// are taken out of the rendering.

const CELL = 500;

class Cells {
  #cells = new Map();

  /** Arrows are drawn in the layer `lines`, boxes in the layer `boxes`. */
  constructor(lines, boxes) {
    this.lines = lines;
    this.boxes = boxes;
  }

  /** The cell that the middle of a rectangle is in; it grows to hold the rectangle. */
  #at({ x, y, w, h }) {
    const key = `${Math.floor((x + w / 2) / CELL)} ${Math.floor((y + h / 2) / CELL)}`;
    let cell = this.#cells.get(key);
    if (!cell) {
      const group = svgElement("g", {}, this.boxes);
      const path = svgElement("path", { class: "edge" }, this.lines);
      cell = { group, path, d: [], x, y, right: x, bottom: y, seen: true };
      this.#cells.set(key, cell);
    }
    cell.x = Math.min(cell.x, x);
    cell.y = Math.min(cell.y, y);
    cell.right = Math.max(cell.right, x + w);
    cell.bottom = Math.max(cell.bottom, y + h);
    return cell;
  }

  /** The parent for a box. */
  box(rect) {
    return this.#at(rect).group;
  }

  /** Draw all edges; what several edges of one box share is drawn once. */
  drawEdges(edges) {
    const drawn = new Map();
    for (const edge of edges) {
      if (!drawn.has(edge.from)) drawn.set(edge.from, new Set());
      const known = drawn.get(edge.from);
      for (const end of edge.ends) {
        for (const { d, rect } of curvesBack(edge, end)) {
          if (known.has(d)) break;
          known.add(d);
          this.#at(rect).d.push(d);
        }
        const [x, y] = end;
        const rect = { x: x - 7, y: y - 4, w: 7, h: 8 };
        this.#at(rect).d.push(`M${x - 7} ${y - 4}L${x - 1} ${y}L${x - 7} ${y + 4}`);
      }
    }
    for (const { path, d } of this.#cells.values()) path.setAttribute("d", d.join(""));
  }

  /** Render what a window on the plane shows. */
  show({ x, y, w, h }) {
    for (const cell of this.#cells.values()) {
      const seen = cell.x < x + w && cell.right > x && cell.y < y + h && cell.bottom > y;
      if (seen === cell.seen) continue;
      cell.seen = seen;
      for (const element of [cell.group, cell.path]) {
        element.setAttribute("display", seen ? "inline" : "none");
      }
    }
  }
}

/** The smooth curves between the points of an edge, from one of its ends back to its start. */
function* curvesBack(edge, end) {
  let [x, y] = end;
  for (const [px, py] of pointsBack(edge)) {
    const bend = x >= px ? (x - px) / 2 : Math.min(160, 40 + (px - x) / 3);
    const flat = y === py && x >= px;
    const curve = flat ? `H${x}` : `C${px + bend} ${py} ${x - bend} ${y} ${x} ${y}`;
    const rect = { x: Math.min(px, x), y: Math.min(py, y), w: Math.abs(x - px), h: Math.abs(y - py) };
    if (x < px) Object.assign(rect, { x: rect.x - bend, w: rect.w + 2 * bend });
    yield { d: `M${px} ${py}${curve}`, rect };
    [x, y] = [px, py];
  }
}

/** An arrow that stands out, from end to end; or back, from the result to the operand. */
function drawArrow(edge, back, name, parent) {
  const lines = edge.ends.flatMap((end) => Array.from(curvesBack(edge, end), (curve) => curve.d));
  const d = lines.reverse().join(""); // forward, so that dashes run along
  svgElement("path", { class: `edge ${name}`, d }, parent);
  const [tips, side] = back ? [[edge.start], 1] : [edge.ends, -1];
  const heads = tips.map(([x, y]) => `M${x} ${y}l${12 * side} -7v14Z`).join("");
  svgElement("path", { class: `head ${name}`, d: heads }, parent);
}
