// A layered layout (Sugiyama), left to right, of the items of one level.
//
//   order    a topological order; in a circle, edges against the order of the items are ignored
//   ranks    the longest path from the left, then what has slack moves towards its readers
//   chains   an edge over several ranks goes through one dummy vertex a rank; the edges that leave
//            one item share theirs, so that a value read in many places is a line with branches
//   sort     within the ranks: by depth-first search, then by barycentres while crossings fall
//   place    heights: each rank in turn as near as it can be to its neighbours, in least squares

const GAP = 14; // between two boxes of a rank
const FIRST = -1; // an item held in the first rank: where edges enter the level
const LAST = 1; // an item held in the last rank: where edges leave it

/**
 * Place items; those that are read come before their readers, as far as there is no circle.
 * @param {{w: number, h: number, pin?: number}[]} items  sizes, in the order of first appearance
 * @param {{from: number, to: number, out: number, in: number}[]} edges  distinct, no loops;
 *     `out` and `in` are the heights of their ends, from the centres of the two items
 * @returns {{x: number[], y: number[], width: number, height: number, viaBack: function}}  centres;
 *     `viaBack(from, to)` goes through the points between the ends of an edge, the last one first
 */
function layoutLevel(items, edges) {
  const place = topologicalPlaces(items, edges);
  const forward = edges.filter((e) => place[e.from] < place[e.to]);
  const rank = assignRanks(items, forward, place);
  const graph = insertDummies(items, forward, rank);
  const ranks = sortRanks(graph);
  const y = placeHeights(graph, ranks);
  const columns = placeColumns(graph, ranks, y);
  const x = items.map((_, i) => columns.centre[rank[i]]);

  function* viaBack(from, to) {
    const chain = graph.chains.get(from);
    for (let r = rank[to] - 1; chain && r > rank[from]; r--) {
      const height = y[chain[r - rank[from] - 1]];
      yield [columns.centre[r] + columns.width[r] / 2, height];
      yield [columns.centre[r] - columns.width[r] / 2, height];
    }
  }
  return { x, y: y.slice(0, items.length), width: columns.total, height: y.height, viaBack };
}

/** The place of each item in a topological order; circles are opened at their first item. */
function topologicalPlaces(items, edges) {
  const missing = new Int32Array(items.length);
  const readers = items.map(() => []);
  for (const e of edges) {
    missing[e.to]++;
    readers[e.from].push(e.to);
  }
  const place = new Int32Array(items.length).fill(-1);
  const ready = [];
  for (let i = items.length - 1; i >= 0; i--) if (missing[i] === 0) ready.push(i);
  let next = 0;
  for (let count = 0; count < items.length; count++) {
    let i = ready.pop();
    if (i === undefined) {
      while (place[next] >= 0) next++;
      i = next;
    }
    place[i] = count;
    for (const j of readers[i]) if (--missing[j] === 0 && place[j] < 0) ready.push(j);
  }
  return place;
}

/** The rank of each item. */
function assignRanks(items, edges, place) {
  const n = items.length;
  const order = new Int32Array(n);
  for (let i = 0; i < n; i++) order[place[i]] = i;
  const outgoing = items.map(() => []);
  const reads = new Int32Array(n);
  for (const e of edges) {
    outgoing[e.from].push(e.to);
    reads[e.to]++;
  }
  const base = items.some((item) => item.pin === FIRST) ? 1 : 0;
  const rank = items.map((item) => (item.pin === FIRST ? 0 : base));
  for (const i of order) {
    for (const j of outgoing[i]) rank[j] = Math.max(rank[j], rank[i] + 1);
  }
  let last = 0;
  items.forEach((item, i) => {
    if (item.pin !== LAST) last = Math.max(last, rank[i]);
  });
  items.forEach((item, i) => {
    if (item.pin === LAST) rank[i] = last + 1;
  });
  for (let k = n - 1; k >= 0; k--) {
    const i = order[k];
    if (items[i].pin || outgoing[i].length === 0 || reads[i] > outgoing[i].length) continue;
    rank[i] = Math.min(...outgoing[i].map((j) => rank[j])) - 1;
  }
  return rank;
}

/**
 * Vertices, items first and dummies after them, and the links between neighbouring ranks.
 * What would need too many dummies is left out, shorter edges having the first claim: it is
 * drawn straight.
 */
function insertDummies(items, edges, rank) {
  const n = items.length;
  const height = items.map((item) => item.h);
  const width = items.map((item) => item.w);
  const ranks = Array.from(rank);
  const links = []; // {a, b, out, in, weight}
  const chains = new Map();
  const reach = new Map(); // the last rank that the readers of an item are in
  for (const e of edges) reach.set(e.from, Math.max(reach.get(e.from) ?? 0, rank[e.to]));
  const long = [...reach].sort((a, b) => a[1] - rank[a[0]] - (b[1] - rank[b[0]]));
  let budget = 6 * n + 2000;
  for (const [i, end] of long) {
    const length = end - rank[i] - 1;
    if (length < 1 || (budget -= length) < 0) continue;
    const chain = [];
    for (let r = rank[i] + 1; r < end; r++) {
      chain.push(ranks.length);
      ranks.push(r);
      height.push(4);
      width.push(0);
    }
    chains.set(i, chain);
  }
  const started = new Set();
  for (const e of edges) {
    const length = rank[e.to] - rank[e.from];
    const chain = chains.get(e.from);
    if (length === 1) {
      links.push({ a: e.from, b: e.to, out: e.out, in: e.in, weight: 1 });
    } else if (chain) {
      links.push({ a: chain[length - 2], b: e.to, out: 0, in: e.in, weight: 2 });
      if (!started.has(e.from)) {
        started.add(e.from);
        links.push({ a: e.from, b: chain[0], out: e.out, in: 0, weight: 2 });
        for (let k = 1; k < chain.length; k++) {
          links.push({ a: chain[k - 1], b: chain[k], out: 0, in: 0, weight: 8 });
        }
      }
    }
  }
  const before = ranks.map(() => []);
  const after = ranks.map(() => []);
  for (const link of links) {
    before[link.b].push(link);
    after[link.a].push(link);
  }
  return { items: n, rank: ranks, height, width, chains, links, before, after };
}

/** The vertices of each rank from top to bottom, with few crossings. */
function sortRanks(graph) {
  const ranks = [];
  for (const v of depthFirst(graph)) (ranks[graph.rank[v]] ??= []).push(v);
  for (let r = 0; r < ranks.length; r++) ranks[r] ??= [];
  const position = new Int32Array(graph.rank.length);
  const number = (rank) => rank.forEach((v, k) => (position[v] = k));
  ranks.forEach(number);

  let best = ranks.map((rank) => rank.slice());
  let fewest = crossings(graph, ranks, position);
  const size = graph.rank.length;
  const rounds = size < 1500 ? 24 : size < 6000 ? 8 : 3;
  for (let round = 0, idle = 0; round < rounds && fewest > 0 && idle < 6; round++) {
    const right = round % 2 === 0;
    for (let k = 1; k < ranks.length; k++) {
      const r = right ? k : ranks.length - 1 - k;
      sortByBarycentre(ranks[r], right ? graph.before : graph.after, right ? "a" : "b", position);
      number(ranks[r]);
    }
    const count = crossings(graph, ranks, position);
    idle = count < fewest ? 0 : idle + 1;
    if (count < fewest) {
      fewest = count;
      best = ranks.map((rank) => rank.slice());
    }
  }
  return best;
}

/** All vertices, from the results to what they read: a tree comes out without crossings. */
function depthFirst(graph) {
  const seen = new Uint8Array(graph.rank.length);
  const order = [];
  const stack = [];
  for (let v = 0; v < seen.length; v++) if (graph.after[v].length === 0) stack.push(v);
  stack.reverse();
  while (stack.length) {
    const v = stack.pop();
    if (seen[v]) continue;
    seen[v] = 1;
    order.push(v);
    for (let k = graph.before[v].length - 1; k >= 0; k--) stack.push(graph.before[v][k].a);
  }
  return order;
}

/** Sort one rank by the mean position of the neighbours; what has none stays where it is. */
function sortByBarycentre(rank, links, end, position) {
  const key = new Map();
  for (const v of rank) {
    let sum = 0;
    for (const link of links[v]) sum += position[link[end]];
    if (links[v].length) key.set(v, sum / links[v].length);
  }
  const moving = rank.filter((v) => key.has(v)).sort((u, v) => key.get(u) - key.get(v));
  let k = 0;
  rank.forEach((v, i) => {
    if (key.has(v)) rank[i] = moving[k++];
  });
}

/** How many pairs of links cross: inversions, counted in a Fenwick tree. */
function crossings(graph, ranks, position) {
  let count = 0;
  for (let r = 1; r < ranks.length; r++) {
    const tree = new Int32Array(ranks[r].length + 1);
    let total = 0;
    for (const a of ranks[r - 1]) {
      const ends = graph.after[a].map((link) => position[link.b]);
      for (const p of ends) {
        let notAbove = 0;
        for (let i = p + 1; i > 0; i -= i & -i) notAbove += tree[i];
        count += total - notAbove;
      }
      for (const p of ends) {
        for (let i = p + 1; i < tree.length; i += i & -i) tree[i]++;
        total++;
      }
    }
  }
  return count;
}

/** The height of the centre of each vertex; the array also has the whole `height`. */
function placeHeights(graph, ranks) {
  const { height, before, after, rank } = graph;
  const y = new Array(rank.length).fill(0);
  const gap = (u, v) => {
    const dummies = (u >= graph.items) + (v >= graph.items);
    return (height[u] + height[v]) / 2 + (dummies === 2 ? 5 : dummies ? 9 : GAP);
  };
  for (const vs of ranks) {
    for (let k = 1; k < vs.length; k++) y[vs[k]] = y[vs[k - 1]] + gap(vs[k - 1], vs[k]);
    const middle = vs.length ? y[vs[vs.length - 1]] / 2 : 0;
    for (const v of vs) y[v] -= middle;
  }
  const rounds = rank.length < 1500 ? 16 : rank.length < 8000 ? 8 : 5;
  for (let round = 0; round < rounds; round++) {
    const settled = round >= rounds - 4; // at the end, both sides count
    const right = round % 2 === 0;
    for (let k = 0; k < ranks.length; k++) {
      const vs = ranks[right ? k : ranks.length - 1 - k];
      placeRank(vs, y, gap, right || settled ? before : null, !right || settled ? after : null);
    }
  }
  straighten(graph, ranks, y, gap);
  let top = Infinity;
  let bottom = -Infinity;
  y.forEach((centre, v) => {
    top = Math.min(top, centre - height[v] / 2);
    bottom = Math.max(bottom, centre + height[v] / 2);
  });
  const result = y.map((centre) => centre - top);
  result.height = y.length ? bottom - top : 0;
  return result;
}

/** Take the small kinks out of long edges: dummies go on at the height they come from, if free. */
function straighten(graph, ranks, y, gap) {
  for (const vs of ranks) {
    vs.forEach((v, k) => {
      if (v < graph.items) return;
      const link = graph.before[v][0];
      const wanted = y[link.a] + link.out;
      if (Math.abs(wanted - y[v]) > 30) return;
      const least = k ? y[vs[k - 1]] + gap(vs[k - 1], v) : -Infinity;
      const most = k + 1 < vs.length ? y[vs[k + 1]] - gap(v, vs[k + 1]) : Infinity;
      if (least <= most) y[v] = Math.min(most, Math.max(least, wanted));
    });
  }
}

/**
 * Move one rank as near to its neighbours as its order and the gaps allow: the weighted least
 * squares under y[k+1] - y[k] >= gap, found by pooling adjacent violators.
 */
function placeRank(vs, y, gap, before, after) {
  const pools = []; // {count, weight, sum}: vertices that touch move together
  let offset = 0;
  vs.forEach((v, k) => {
    if (k) offset += gap(vs[k - 1], v);
    let weight = 0.01;
    let sum = 0.01 * y[v];
    for (const e of before?.[v] ?? []) {
      weight += e.weight;
      sum += e.weight * (y[e.a] + e.out - e.in);
    }
    for (const e of after?.[v] ?? []) {
      weight += e.weight;
      sum += e.weight * (y[e.b] + e.in - e.out);
    }
    let pool = { count: 1, weight, sum: sum - weight * offset };
    while (pools.length) {
      const last = pools[pools.length - 1];
      if (last.sum / last.weight <= pool.sum / pool.weight) break;
      pools.pop();
      pool = {
        count: last.count + pool.count,
        weight: last.weight + pool.weight,
        sum: last.sum + pool.sum,
      };
    }
    pools.push(pool);
  });
  let k = 0;
  offset = 0;
  for (const pool of pools) {
    for (let end = k + pool.count; k < end; k++) {
      if (k) offset += gap(vs[k - 1], vs[k]);
      y[vs[k]] = pool.sum / pool.weight + offset;
    }
  }
}

/** Centre and width of each rank; the space between two grows with the slope of their links. */
function placeColumns(graph, ranks, y) {
  const width = ranks.map((vs) => vs.reduce((most, v) => Math.max(most, graph.width[v]), 0));
  const slope = new Array(ranks.length).fill(0);
  for (const link of graph.links) {
    const rise = Math.abs(y[link.a] + link.out - y[link.b] - link.in);
    slope[graph.rank[link.b]] = Math.max(slope[graph.rank[link.b]], rise);
  }
  const centre = [];
  let x = 0;
  ranks.forEach((_, r) => {
    if (r) {
      const border = width[r] === 0 || width[r - 1] === 0;
      x += Math.min(110, (border ? 16 : 38) + 0.16 * slope[r]);
    }
    centre.push(x + width[r] / 2);
    x += width[r];
  });
  return { centre, width, total: x };
}
