// Numbers, names and sentences, as people read them.

const LONGEST_NAME = 24;
const MOST_SHOWN = 24; // operands of one node
const INFIX = new Set(["+", "-", "*", "/", "**", "==", "<", "<=", ">", ">="]);

/** A number in full: the shortest decimal that reads back as the same number. */
function full(x) {
  if (Number.isNaN(x)) return "nan";
  if (!Number.isFinite(x)) return x > 0 ? "inf" : "-inf";
  return Object.is(x, -0) ? "-0" : String(x).replace("e+", "e");
}

/** A number in full where that is short, else to so many significant digits. */
function brief(x, digits = 6) {
  const whole = full(x);
  if (whole.length <= digits + 1 || !Number.isFinite(x)) return whole;
  const size = Math.abs(x);
  const scientific = size < 1e-4 || size >= 10 ** Math.max(digits, 6);
  const text = scientific ? x.toExponential(digits - 1) : x.toPrecision(digits);
  return text.replace(/(\.\d*?)0+(e|$)/, "$1$2").replace(/\.(e|$)/, "$1").replace("e+", "e");
}

/** A number that a person typed; undefined if it is none. */
function parseNumber(text) {
  const word = text.trim().toLowerCase();
  const special = { inf: Infinity, "+inf": Infinity, "-inf": -Infinity, nan: NaN };
  if (Object.hasOwn(special, word)) return special[word];
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/.test(word) ? Number(word) : undefined;
}

/** Line breaks and other control characters as signs that can be seen, in one line. */
function oneLine(text) {
  return text
    .replace(/\r\n|[\n\r\u2028\u2029]/g, "↵")
    .replace(/\t/g, "⇥")
    .replace(/[\u0000-\u001f\u007f-\u009f]/g, "\ufffd");
}

/** A text in one line, no longer than a box can take. */
function shorten(text, most = LONGEST_NAME) {
  const line = oneLine(text);
  if (line.length <= most) return line;
  const signs = Array.from(new Intl.Segmenter().segment(line), (part) => part.segment);
  return signs.length <= most ? line : `${signs.slice(0, most - 1).join("")}…`;
}

function plural(count, word) {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

/** What nodes are called and how their rules are written. */
class Words {
  constructor(nodes, sweep) {
    this.nodes = nodes;
    this.sweep = sweep;
    this.rootName = shorten(nodes.name[sweep.root]) || "L";
  }

  /** The name of a node; without one, its number. */
  name(i) {
    if (i === this.sweep.root) return this.rootName;
    if (this.nodes.op[i] === "(constant)") return brief(this.sweep.data[i]);
    return shorten(this.nodes.name[i]) || `n${i}`;
  }

  /** The total derivative by a node. */
  derivative(i) {
    return `d${this.rootName}/d${this.name(i)}`;
  }

  kind(i) {
    const op = this.nodes.op[i];
    return op === "" ? "leaf" : op;
  }

  /** The rule of a node, in parts: texts, and whatever `write` makes of each operand. */
  expression(i, write) {
    const { op, label, operands } = this.nodes;
    const xs = operands[i].map(write);
    if (xs.length === 2 && INFIX.has(label[i])) return [xs[0], ` ${label[i]} `, xs[1]];
    if (xs.length === 1 && label[i] === "-") return ["-", xs[0]];
    const inner = xs.slice(0, MOST_SHOWN).flatMap((x, k) => (k ? [", ", x] : [x]));
    if (xs.length > MOST_SHOWN) inner.push(`, and ${xs.length - MOST_SHOWN} more`);
    return [`${op[i]}(`, ...inner, ")"];
  }

  /** What the present step does, in a sentence. */
  sentence() {
    const { sweep } = this;
    const { phase, node } = sweep.what(sweep.step);
    const at = `Step ${sweep.step} of ${sweep.steps}`;
    if (phase === "start") return `${at}: only leaves and constants are known.`;
    if (phase === "forward") {
      const rule = this.expression(node, (x) => brief(sweep.data[x])).join("");
      return `${at}, forward: ${this.name(node)}, ${rule} = ${brief(sweep.data[node])}.`;
    }
    if (phase === "seed") return `${at}, seed: ${this.derivative(node)} = 1.`;
    const shares = sweep
      .sums(node)
      .slice(0, MOST_SHOWN)
      .map((sum) => `${this.derivative(sum.operand)} becomes ${brief(sum.after)}`);
    return `${at}, reverse: from ${this.name(node)}, ${shares.join(", ") || "nothing to hand on"}.`;
  }
}
