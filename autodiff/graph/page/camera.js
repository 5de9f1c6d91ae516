// What part of the drawing is seen: dragging, wheel, pinch, and moves to a place.

const CLOSEST = 3;
const FARTHEST = 0.02;

class Camera {
  #pointers = new Map();
  #frame = 0;

  /** `moved` is called with the rectangle of the drawing that is seen. */
  constructor(svg, world, moved) {
    this.svg = svg;
    this.world = world;
    this.moved = moved;
    this.k = 1;
    this.x = 0;
    this.y = 0;
    this.fitted = null; // what was fitted into the window, until the drawing is moved
    this.dragged = false; // whether the last press moved the drawing: then it is no click
    this.resize();
    new ResizeObserver(() => this.resize()).observe(svg);
    svg.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    svg.addEventListener("pointerdown", (event) => this.#down(event));
    svg.addEventListener("pointermove", (event) => this.#move(event));
    for (const type of ["pointerup", "pointercancel"]) {
      svg.addEventListener(type, (event) => this.#pointers.delete(event.pointerId));
    }
  }

  #apply() {
    this.world.setAttribute("transform", `translate(${this.x} ${this.y}) scale(${this.k})`);
    this.svg.classList.toggle("far", this.k < 0.3); // where numbers cannot be read, they are left out
    this.svg.classList.toggle("farthest", this.k < 0.15);
    this.update();
  }

  /** Note the size of the window: to ask for it in every frame would take a layout of the page. */
  resize() {
    this.w = this.svg.clientWidth;
    this.h = this.svg.clientHeight;
    if (this.fitted) this.fit(...this.fitted);
    else this.update();
  }

  /** Tell what is seen. */
  update() {
    const { k, x, y, w, h } = this;
    this.moved({ x: -x / k, y: -y / k, w: w / k, h: h / k });
  }

  set(k, x, y) {
    cancelAnimationFrame(this.#frame);
    this.fitted = null;
    Object.assign(this, { k, x, y });
    this.#apply();
  }

  /** Zoom by a factor; the point (px, py) of the window stays where it is. */
  zoom(factor, px = this.w / 2, py = this.h / 2) {
    const k = Math.min(CLOSEST, Math.max(FARTHEST, this.k * factor));
    const ratio = k / this.k;
    this.set(k, px - (px - this.x) * ratio, py - (py - this.y) * ratio);
  }

  /** Show all of a rectangle, but no larger than 5/4 of life size and from no farther than `farthest`. */
  fit({ x, y, w, h }, farthest = FARTHEST) {
    const margin = Math.min(32, this.w / 20);
    const fitting = Math.min((this.w - 2 * margin) / w, (this.h - 2 * margin) / h, 1.25);
    const k = Math.max(fitting, farthest);
    const left = w * k > this.w ? margin - x * k : (this.w - w * k) / 2 - x * k;
    this.set(k, left, (this.h - h * k) / 2 - y * k);
    this.fitted = [{ x, y, w, h }, farthest];
  }

  /** Whether all of a rectangle is seen, with a margin. */
  sees({ x, y, w, h }, margin = 0) {
    const left = x * this.k + this.x;
    const top = y * this.k + this.y;
    const right = left + w * this.k;
    const bottom = top + h * this.k;
    return left >= margin && top >= margin && right <= this.w - margin && bottom <= this.h - margin;
  }

  /** Move until a rectangle is seen, if it is not, or into the middle if `centre`. */
  reveal({ x, y, w, h }, centre = false, now = false) {
    if (!centre && this.sees({ x, y, w, h }, Math.min(40, this.w / 12, this.h / 12))) return;
    this.#glide(
      this.w / 2 - (x + w / 2) * this.k,
      this.h / 2 - (y + h / 2) * this.k,
      now || matchMedia("(prefers-reduced-motion: reduce)").matches,
    );
  }

  #glide(x, y, now) {
    if (now) {
      this.set(this.k, x, y);
      return;
    }
    cancelAnimationFrame(this.#frame);
    this.fitted = null;
    const from = { x: this.x, y: this.y };
    const start = performance.now();
    const draw = (time) => {
      const t = Math.min(1, Math.max(0, (time - start) / 180));
      const eased = 1 - (1 - t) ** 3;
      this.x = from.x + (x - from.x) * eased;
      this.y = from.y + (y - from.y) * eased;
      this.#apply();
      if (t < 1) this.#frame = requestAnimationFrame(draw);
    };
    draw(start);
  }

  #wheel(event) {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    const box = this.svg.getBoundingClientRect();
    const speed = event.ctrlKey ? 0.01 : 0.0015; // a pinch on a touchpad sends small steps
    this.zoom(
      Math.exp(-event.deltaY * lines * speed),
      event.clientX - box.left,
      event.clientY - box.top,
    );
  }

  #down(event) {
    if (event.button > 0) return;
    if (this.#pointers.size === 0) this.dragged = false;
    this.#pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    this.pressed = { x: event.clientX, y: event.clientY };
  }

  #move(event) {
    const last = this.#pointers.get(event.pointerId);
    if (!last) return;
    const now = { x: event.clientX, y: event.clientY };
    if (!this.dragged) {
      if (Math.hypot(now.x - this.pressed.x, now.y - this.pressed.y) < 5) return;
      this.dragged = true;
      for (const id of this.#pointers.keys()) this.svg.setPointerCapture(id);
    }
    this.#pointers.set(event.pointerId, now);
    if (this.#pointers.size === 1) {
      this.set(this.k, this.x + now.x - last.x, this.y + now.y - last.y);
    } else {
      const other = [...this.#pointers].find(([id]) => id !== event.pointerId)[1];
      const before = Math.hypot(last.x - other.x, last.y - other.y);
      const after = Math.hypot(now.x - other.x, now.y - other.y);
      const box = this.svg.getBoundingClientRect();
      const middle = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
      this.set(this.k, this.x + (now.x - last.x) / 2, this.y + (now.y - last.y) / 2);
      this.zoom(after / Math.max(1, before), middle.x - box.left, middle.y - box.top);
    }
  }
}
