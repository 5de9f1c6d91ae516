// Which boxes are visible, and where: levels laid out from the inside out, then put together.
//
// A box is a node or a closed group.  An id is the number of a node, or the number of nodes plus
// the number of a group.  In every open group the edges that cross its border go through ports,
// one for each box that they come from, so that they keep clear of the boxes inside.

const HEADER = 26; // height of the title of an open group
const PADDING = 14;

/** The groups that a group is in, from the outside in, itself included. */
function groupPath(groups, g) {
  const path = [];
  for (; g >= 0; g = groups[g].parent) path.push(g);
  return path.reverse();
}

/** For each node the id of the box that stands for it: the outermost closed group, or itself. */
function visibleBoxes(data, open) {
  const n = data.nodes.op.length;
  const closed = data.groups.map((_, g) => groupPath(data.groups, g).find((h) => !open.has(h)));
  return Int32Array.from(data.nodes.parent, (g, i) => (closed[g] === undefined ? i : n + closed[g]));
}

/**
 * Lay out what is visible.
 * @param {function(number): {w: number, h: number}} sizeOf  of the box with an id
 * @param {function(number): number} titleWidth  of the title of an open group
 * @returns {{boxOf: Int32Array, boxes: Map, clusters: Map, edges: object[], width, height}}
 *     rectangles {x, y, w, h} by id and by group, and edges {from, to, uses, start, ends}
 */
function layoutNested(data, open, sizeOf, titleWidth) {
  const n = data.nodes.op.length;
  const { groups } = data;
  const boxOf = visibleBoxes(data, open);
  const parentOf = (id) => (id < n ? data.nodes.parent[id] : groups[id - n].parent);
  const levels = new Map();
  const level = (g) => {
    if (!levels.has(g)) {
      levels.set(g, { items: new Map(), edges: new Map() });
      if (g > 0) addItem(level(groups[g].parent), n + g);
    }
    return levels.get(g);
  };
  boxOf.forEach((id) => addItem(level(parentOf(id)), id));
  const edges = visibleEdges(data, boxOf);
  for (const edge of edges) edge.legs = legsOf(edge, n, groups, parentOf, level);

  const depth = (g) => groupPath(groups, g).length;
  const inner = [...levels.keys()].sort((a, b) => depth(b) - depth(a));
  for (const g of inner) solveLevel(levels.get(g), levels, n, sizeOf, g ? titleWidth(g) : 0);

  const boxes = new Map();
  const clusters = new Map();
  levels.get(0).x = 0;
  levels.get(0).y = 0;
  for (const g of inner.reverse()) {
    const { x, y, w, h, items, solved, left, top } = levels.get(g);
    if (g) clusters.set(g, { x, y, w, h });
    for (const [id, item] of items) {
      const cx = x + left + solved.x[item.index];
      const cy = y + top + solved.y[item.index];
      const rect = { x: cx - item.w / 2, y: cy - item.h / 2, w: item.w, h: item.h };
      const nested = levels.get(id - n);
      if (nested) Object.assign(nested, rect);
      else if (item.pin === undefined) boxes.set(id, rect);
      else item.point = [Math.round(cx), Math.round(cy)];
    }
  }
  spreadEnds(edges, boxes, n);
  const { w, h } = levels.get(0);
  return { boxOf, boxes, clusters, edges, width: w, height: h };
}

function addItem(level, id, pin) {
  if (!level.items.has(id)) level.items.set(id, { index: level.items.size, pin, w: 0, h: 0 });
}

/** One edge for each pair of boxes, with the number of uses that it stands for. */
function visibleEdges(data, boxOf) {
  const edges = new Map();
  data.nodes.operands.forEach((operands, v) => {
    const to = boxOf[v];
    for (const x of operands) {
      const from = boxOf[x];
      if (from === to) continue;
      const key = `${from} ${to}`;
      const edge = edges.get(key);
      if (edge) edge.uses++;
      else edges.set(key, { from, to, uses: 1 });
    }
  });
  return [...edges.values()];
}

/** The way of an edge: {level, from, to} in each level that it goes through. */
function legsOf(edge, n, groups, parentOf, level) {
  const up = groupPath(groups, parentOf(edge.from));
  const down = groupPath(groups, parentOf(edge.to));
  let common = 0;
  while (up[common + 1] !== undefined && up[common + 1] === down[common + 1]) common++;
  const exit = `out ${edge.from}`;
  const entry = `in ${edge.from}`;
  const legs = [];
  let at = edge.from;
  for (let k = up.length - 1; k > common; k--) {
    addItem(level(up[k]), exit, LAST);
    legs.push({ level: level(up[k]), from: at, to: exit });
    at = n + up[k];
  }
  const inside = down[common + 1];
  const across = { level: level(up[common]), from: at, exit, entry };
  across.to = inside === undefined ? edge.to : n + inside;
  legs.push(across);
  for (let k = common + 1; k < down.length; k++) {
    const next = down[k + 1];
    addItem(level(down[k]), entry, FIRST);
    legs.push({
      level: level(down[k]),
      from: entry,
      to: next === undefined ? edge.to : n + next,
      exit,
      entry,
    });
  }
  for (const leg of legs) {
    const key = `${leg.from} > ${leg.to}`;
    const { edges } = leg.level;
    if (!edges.has(key)) edges.set(key, { from: leg.from, to: leg.to, exits: new Set(), entries: new Set() });
    edges.get(key).exits.add(exit);
    edges.get(key).entries.add(entry);
  }
  return legs;
}

/** Lay out one level; the levels inside it have their sizes by now. */
function solveLevel(level, levels, n, sizeOf, titleWidth) {
  for (const [id, item] of level.items) {
    if (item.pin === undefined) Object.assign(item, levels.get(id - n)?.size ?? sizeOf(id));
  }
  const end = (id, ports) => {
    const nested = levels.get(id - n);
    if (!nested) return 0;
    const heights = [...ports].map((port) => nested.items.get(port)).filter(Boolean);
    const total = heights.reduce((sum, item) => sum + nested.solved.y[item.index] + nested.top, 0);
    return heights.length ? total / heights.length - nested.h / 2 : 0;
  };
  const edges = [...level.edges.values()].map((e) => ({
    from: level.items.get(e.from).index,
    to: level.items.get(e.to).index,
    out: end(e.from, e.exits),
    in: end(e.to, e.entries),
  }));
  const solved = layoutLevel([...level.items.values()], edges);
  const w = Math.max(solved.width, titleWidth) + 2 * PADDING;
  const h = solved.height + HEADER + 2 * PADDING;
  Object.assign(level, { solved, w, h, size: { w, h } });
  level.left = (w - solved.width) / 2;
  level.top = HEADER + PADDING;
}

/**
 * The points of an edge before its end, from the last to the first, which is at its operand.
 * Edges of one box have the first part of their way in common, so that who goes back along many can
 * stop where one has been before.
 */
function* pointsBack(edge) {
  for (const { level, from, to } of edge.legs.toReversed()) {
    const a = level.items.get(from);
    const b = level.items.get(to);
    if (b.pin === LAST) yield b.point;
    for (const [x, y] of level.solved.viaBack(a.index, b.index)) {
      yield [Math.round(x + level.x + level.left), Math.round(y + level.y + level.top)];
    }
    if (a.pin === FIRST) yield a.point;
  }
  yield edge.start;
}

/**
 * Add the ends of the edges.  Each arrives at a height of its own, in the order in which they come,
 * and a value that a node reads twice has two arrows.
 */
function spreadEnds(edges, boxes, n) {
  const arriving = new Map();
  for (const edge of edges) {
    if (!arriving.has(edge.to)) arriving.set(edge.to, []);
    arriving.get(edge.to).push(edge);
  }
  for (const [to, list] of arriving) {
    const box = boxes.get(to);
    for (const edge of list) {
      const from = boxes.get(edge.from);
      edge.start = [from.x + from.w, from.y + from.h / 2].map(Math.round);
      edge.came = pointsBack(edge).next().value[1];
    }
    list.sort((a, b) => a.came - b.came);
    const slots = list.map((edge) => (edge.from < n && to < n ? edge.uses : 1));
    const total = slots.reduce((sum, k) => sum + k, 0);
    const step = Math.min(9, (box.h - 16) / Math.max(1, total - 1));
    let y = box.y + box.h / 2 - (step * (total - 1)) / 2;
    list.forEach((edge, k) => {
      edge.ends = [];
      for (let use = 0; use < slots[k]; use++, y += step) edge.ends.push([box.x, y].map(Math.round));
    });
  }
}
