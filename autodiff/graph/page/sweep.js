// The state of the stepping: the forward pass, the seed, the reverse sweep.
//
// Step 0 knows leaves and constants only.  Each of the next steps computes one node; then the seed
// sets the adjoint of the root to 1; then each computed node that the root depends on, results
// before operands, hands each of its operands its own adjoint times the partial:
//
//   adjoint[operand] += adjoint[node] * partial        operands in their order
//
// which is the order of `backward()`, so the sums are the same to the last bit.  The sums that a
// step overwrites are kept, so that it can be undone.

class Sweep {
  /**
   * @param {object} nodes  the columns of the data
   * @param {number} root  the node that is differentiated
   * @param {object} rules  by operation: value(xs) and partials(xs, v)
   */
  constructor(nodes, root, rules) {
    this.nodes = nodes;
    this.root = root;
    this.rules = rules;
    const n = nodes.op.length;
    this.size = n;
    this.isComputed = nodes.op.map((op) => op !== "" && op !== "(constant)");
    this.isConstant = nodes.op.map((op) => op === "(constant)");
    this.reached = this.#reach();
    this.forward = [...this.isComputed.keys()].filter((i) => this.isComputed[i]);
    this.reverse = this.forward.filter((i) => this.reached[i]).reverse();
    this.steps = this.forward.length + 1 + this.reverse.length;
    this.turn = new Int32Array(n); // the step that computes a node
    this.forward.forEach((i, k) => (this.turn[i] = k + 1));
    this.uses = new Int32Array(n); // how many shares an adjoint is the sum of
    this.offsets = new Int32Array(n + 1); // where the operands of a node begin in the kept sums
    nodes.operands.forEach((xs, v) => {
      this.offsets[v + 1] = this.offsets[v] + xs.length;
      if (this.isComputed[v] && this.reached[v]) for (const x of xs) this.uses[x]++;
    });
    this.uses[root]++;
    this.missing = [...new Set(this.forward.map((i) => nodes.op[i]))].filter(
      (op) => !Object.hasOwn(rules, op),
    );
    this.kept = new Float64Array(this.offsets[n]);
    this.step = 0;
    this.reset();
  }

  /** Which nodes the root was computed from, and the root. */
  #reach() {
    const reached = new Uint8Array(this.size);
    reached[this.root] = 1;
    for (let v = this.root; v >= 0; v--) {
      if (reached[v]) for (const x of this.nodes.operands[v]) reached[x] = 1;
    }
    return reached;
  }

  /** The numbers that the page came with. */
  reset() {
    this.data = Float64Array.from(this.nodes.data, numberOf);
    this.partials = this.nodes.partials.map((row) => row.map(numberOf));
    this.edited = false;
    this.#sweepAgain();
  }

  /** Change the number of a leaf and compute everything anew, in order. */
  setLeaf(i, number) {
    if (this.nodes.op[i] !== "") throw new Error(`node ${i} is not a leaf`);
    if (this.missing.length) throw new Error(`no rule for ${this.missing.join(", ")}`);
    this.data[i] = number;
    for (const v of this.forward) {
      const xs = this.nodes.operands[v].map((x) => this.data[x]);
      const rule = this.rules[this.nodes.op[v]];
      this.data[v] = rule.value(xs);
      this.partials[v] = rule.partials(xs, this.data[v]);
    }
    this.edited = true;
    this.#sweepAgain();
  }

  /** All sums once more, up to the present step; and the largest adjoint there will be. */
  #sweepAgain() {
    const step = this.step;
    this.adjoints = new Float64Array(this.size);
    this.received = new Int32Array(this.size);
    this.step = 0;
    this.goTo(this.steps);
    this.largest = 0;
    for (const a of this.adjoints) {
      if (Number.isFinite(a)) this.largest = Math.max(this.largest, Math.abs(a));
    }
    this.goTo(step);
  }

  /** Go to a step; the set of the nodes that differ there from here. */
  goTo(step) {
    const changed = new Set();
    while (this.step < step) this.#advance(this.what(++this.step), changed);
    while (this.step > step) this.#undo(this.what(this.step--), changed);
    return changed;
  }

  /** What a step does: {phase, node}; phase is start, forward, seed or reverse. */
  what(step) {
    const computed = this.forward.length;
    if (step === 0) return { phase: "start", node: -1 };
    if (step <= computed) return { phase: "forward", node: this.forward[step - 1] };
    if (step === computed + 1) return { phase: "seed", node: this.root };
    return { phase: "reverse", node: this.reverse[step - computed - 2] };
  }

  #advance({ phase, node }, changed) {
    changed.add(node);
    if (phase === "seed") {
      this.adjoints[node] = 1;
      this.received[node]++;
    } else if (phase === "reverse") {
      this.nodes.operands[node].forEach((x, k) => {
        if (this.isConstant[x]) return;
        this.kept[this.offsets[node] + k] = this.adjoints[x];
        this.adjoints[x] += this.adjoints[node] * this.partials[node][k];
        this.received[x]++;
        changed.add(x);
      });
    }
  }

  #undo({ phase, node }, changed) {
    changed.add(node);
    if (phase === "seed") {
      this.adjoints[node] = 0;
      this.received[node]--;
    } else if (phase === "reverse") {
      const operands = this.nodes.operands[node];
      for (let k = operands.length - 1; k >= 0; k--) {
        if (this.isConstant[operands[k]]) continue;
        this.adjoints[operands[k]] = this.kept[this.offsets[node] + k];
        this.received[operands[k]]--;
        changed.add(operands[k]);
      }
    }
  }

  /** Whether the number of a node is known at this step. */
  isKnown(i) {
    return !this.isComputed[i] || this.turn[i] <= this.step;
  }

  /**
   * The sums of a reverse step: {operand, before, adjoint, partial, after} for each operand, without
   * constants, which receive nothing, unless they are asked for.
   */
  sums(node, constants = false) {
    return this.nodes.operands[node].flatMap((operand, k) => {
      if (this.isConstant[operand] && !constants) return [];
      const before = this.kept[this.offsets[node] + k];
      const adjoint = this.adjoints[node];
      const partial = this.partials[node][k];
      return [{ operand, before, adjoint, partial, after: before + adjoint * partial }];
    });
  }
}

/** A number of the data: JSON has none for those that are not finite. */
function numberOf(value) {
  if (typeof value === "number") return value;
  return { inf: Infinity, "-inf": -Infinity, nan: NaN }[value];
}
