// The panel: what the present step does, with its numbers, and the node that is selected.

/** An element with attributes and content: texts and elements.  Texts never become markup. */
function h(tag, attributes, ...content) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes ?? {})) element.setAttribute(key, value);
  element.append(...content);
  return element;
}

class Panel {
  /**
   * @param {object} page  data, sweep, words
   * @param {object} act  select(i) and edit(i, number), what the panel's controls do
   */
  constructor({ data, sweep, words }, act) {
    Object.assign(this, { data, sweep, words, act });
    this.step = document.querySelector("#step");
    this.selected = document.querySelector("#selected");
  }

  /** A number, with all its digits as its title. */
  number(x) {
    return h("span", { class: "number", title: full(x) }, brief(x));
  }

  /** The name of a node; its title has all of it. */
  name(i) {
    const whole = this.data.nodes.name[i] || this.words.name(i);
    return h("span", { class: "node", title: whole }, this.words.name(i));
  }

  derivative(i, of = null) {
    const [d, top] = of === null ? ["d", this.words.rootName] : ["∂", this.words.name(of)];
    return h("span", { class: "derivative" }, `${d}${top}/${d}${this.words.name(i)}`);
  }

  /** Tell what the present step does; `run` is {count, label} if it goes over several nodes. */
  showStep(run) {
    const { phase, node } = this.sweep.what(this.sweep.step);
    const content = this[`${phase}Step`](node);
    if (run) {
      const what = phase === "forward" ? "computed" : "swept";
      const text = `${plural(run.count, "node")} of ${oneLine(run.label)} ${what}; the last of them:`;
      content.splice(1, 0, h("p", { class: "note" }, text));
    }
    this.step.replaceChildren(...content);
  }

  startStep() {
    return [
      h("h2", null, "Start"),
      h("p", { class: "note" }, "Only leaves and constants have numbers. Step forward to compute."),
    ];
  }

  forwardStep(node) {
    const { sweep, words } = this;
    const value = this.number(sweep.data[node]);
    const numbers = words.expression(node, (x) => this.number(sweep.data[x]));
    return [
      h("h2", null, "Forward"),
      h("p", { class: "formula" }, this.name(node), " = ", ...words.expression(node, (x) => this.name(x))),
      h("p", { class: "formula main" }, `${this.data.nodes.op[node]}: `, ...numbers, " = ", value),
    ];
  }

  seedStep(node) {
    return [
      h("h2", null, "Seed"),
      h("p", { class: "formula main" }, this.derivative(node), " = ", this.number(1)),
      h("p", { class: "note" }, "The reverse sweep begins at the result, whose gradient is 1."),
    ];
  }

  reverseStep(node) {
    const { sweep, words } = this;
    const all = sweep.sums(node);
    const sums = all.slice(0, MOST_SHOWN).map(({ operand, before, adjoint, partial, after }) =>
      h(
        "li",
        null,
        h("p", { class: "formula" }, this.derivative(operand, node), " = ", this.number(partial)),
        h(
          "p",
          { class: "formula main" },
          this.derivative(operand),
          " = ",
          this.number(before),
          " + ",
          this.number(adjoint),
          " * ",
          this.number(partial),
          " = ",
          this.number(after),
        ),
      ),
    );
    if (all.length > sums.length) {
      sums.push(h("li", { class: "note" }, `and ${all.length - sums.length} more operands`));
    }
    const rule = words.expression(node, (x) => this.name(x));
    const none = h("p", { class: "note" }, "Its operands are constants: nothing to hand on.");
    return [
      h("h2", null, "Reverse"),
      h("p", { class: "formula" }, this.name(node), " = ", ...rule),
      h("p", { class: "formula" }, this.derivative(node), " = ", this.number(sweep.adjoints[node])),
      sums.length ? h("ul", { class: "sums" }, ...sums) : none,
    ];
  }

  /** Show a node in full; undefined: none. */
  showNode(i) {
    this.node = i;
    if (i === undefined) {
      const hint = "Click a box for its details; click a leaf to change its number.";
      this.selected.replaceChildren(h("p", { class: "note" }, hint));
      return;
    }
    const { nodes } = this.data;
    const list = h("dl", null);
    const row = (term, ...content) => list.append(h("dt", null, term), h("dd", null, ...content));
    if (nodes.name[i]) row("name", h("span", { class: "whole" }, nodes.name[i]));
    row("operation", this.words.kind(i), ` (node ${i})`);
    this.valueText = h("span", { class: "number" });
    this.gradText = h("span", { class: "number" });
    row("value", this.valueText);
    if (nodes.op[i] !== "(constant)") row("gradient", this.gradText);
    if (nodes.source[i]) row("recorded at", h("span", { class: "whole" }, nodes.source[i]));
    if (nodes.operands[i].length) row("operands", ...this.links(nodes.operands[i]));
    const readers = nodes.operands.flatMap((xs, v) => (xs.includes(i) ? [v] : []));
    if (readers.length) row("read by", ...this.links(readers));
    const edit = nodes.op[i] === "" ? [this.form(i)] : [];
    this.selected.replaceChildren(h("h2", null, this.words.name(i)), ...edit, list);
    this.refreshNode();
  }

  /** The numbers of the selected node, at the present step. */
  refreshNode() {
    const i = this.node;
    if (i === undefined) return;
    const { sweep } = this;
    this.valueText.textContent = sweep.isKnown(i) ? full(sweep.data[i]) : "not computed yet";
    if (this.data.nodes.op[i] === "(constant)") return;
    const shares = `${sweep.received[i]} of ${plural(sweep.uses[i], "share")}`;
    const unfinished = sweep.received[i] < sweep.uses[i] ? ` (${shares})` : "";
    this.gradText.textContent = sweep.received[i]
      ? full(sweep.adjoints[i]) + unfinished
      : "not reached yet";
  }

  /** Buttons that lead to other nodes; of many, the first. */
  links(ids) {
    const most = 12;
    const buttons = ids.slice(0, most).map((i) => {
      const button = h("button", { type: "button", class: "link" }, this.words.name(i));
      button.addEventListener("click", () => this.act.select(i));
      return button;
    });
    return ids.length > most ? [...buttons, ` and ${ids.length - most} more`] : buttons;
  }

  /** The form that changes the number of a leaf. */
  form(i) {
    const { missing } = this.sweep;
    const input = h("input", { id: "number", autocomplete: "off", inputmode: "text", spellcheck: "false" });
    input.value = full(this.sweep.data[i]);
    const message = h("p", { class: "message", id: "message", role: "status" });
    input.setAttribute("aria-describedby", "message");
    const apply = h("button", { type: "submit" }, "Apply");
    const form = h("form", { id: "edit" }, h("label", { for: "number" }, "number"), input, apply, message);
    if (missing.length) {
      input.disabled = apply.disabled = true;
      const ops = missing.map((op) => shorten(op)).join(", ");
      message.textContent = `The number cannot be changed: this page has no rule to recompute ${ops}.`;
    }
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const number = parseNumber(input.value);
      input.setAttribute("aria-invalid", number === undefined);
      if (number === undefined) {
        message.textContent = `“${shorten(input.value)}” is not a number; expected one such as 2, -0.5 or 1e-3.`;
        return;
      }
      message.textContent = "";
      this.act.edit(i, number);
    });
    return form;
  }
}
