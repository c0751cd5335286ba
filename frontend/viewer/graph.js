// One pane: a graph that can be moved, zoomed, and walked through with the keyboard.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes and children. Text is always set as text, never as markup. */
function make(name, attributes = {}, ...children) {
  const e = attributes.svg ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [k, v] of Object.entries(attributes)) {
    if (k === "svg" || v === undefined || v === null || v === false) continue;
    if (k.startsWith("on")) e.addEventListener(k.slice(2), v);
    else e.setAttribute(k, v === true ? "" : v);
  }
  e.append(...children.filter((c) => c !== null && c !== undefined));
  return e;
}
const draw = (name, attributes, ...children) => make(name, { ...attributes, svg: true }, ...children);

/** Cards that a pane begins with; boxes beyond that are closed. */
const ROOM = 90;
/** Nodes of a loop that is not closed at first. */
const LOOP = 30;
const MARKS = { same: "=", moved: "~", gone: "−", new: "+" };

class GraphPane {
  constructor(app, element, side) {
    this.app = app;
    this.side = side;
    this.select = make("select", { "aria-label": side === 0 ? "Graph on the left" : "Graph on the right" });
    this.select.addEventListener("change", () => app.chooseStage(side, Number(this.select.value)));
    this.totals = make("span", { class: "totals" });
    const button = (text, label, f) => make("button", { title: label, "aria-label": label, onclick: f }, text);
    const tools = make("span", { class: "tools" },
      button("⊟", "Close all boxes", () => this.openNone()),
      button("−", "Farther", () => this.zoom(1 / 1.3)), button("+", "Closer", () => this.zoom(1.3)), button("⤢", "All of it", () => this.fit()));
    this.svg = draw("svg", { tabindex: 0, role: "application", "aria-roledescription": "graph", "aria-label": `Graph ${side === 0 ? "before" : "after"}` });
    this.world = draw("g", {});
    this.svg.append(this.world);
    element.replaceChildren(make("div", { class: "head" }, this.select, this.totals, tools), this.svg);
    this.view = { x: 0, y: 0, k: 1 };
    this.open = new Set();
    this.items = [];
    this.pointer();
    this.svg.addEventListener("keydown", (e) => this.key(e));
  }

  /** Shows a stage; boxes open as far as there is room. */
  show(stage) {
    this.stage = stage;
    this.open = new Set();
    let room = ROOM - stage.entries.length;
    let level = stage.entries.filter(isBox);
    while (level.length) {
      const next = [];
      for (const box of level) {
        if (box.entries.length > room || box.kind === "repeat" && this.stage.size(box) > LOOP) continue;
        room -= box.entries.length;
        this.open.add(box);
        next.push(...box.entries.filter(isBox));
      }
      level = next;
    }
    for (const n of stage.nodes) {
      const region = stage.part.regionBox(n);
      if (region !== null && region.entries.length <= room) {
        room -= region.entries.length;
        this.open.add(region);
      }
    }
    this.render();
    this.fit();
  }

  openNone() {
    this.open = new Set();
    this.render();
    this.fit();
  }

  text(item) {
    const part = this.stage.part;
    if (item.node !== null) {
      const n = item.node, flops = part.flops(n);
      const third = [flops ? showFlops(flops) : null, part.where(n)].filter(Boolean).join(" · ");
      return [shorten(this.stage.title(n)), shorten(`${part.type(n)} · ${showBytes(part.bytes(n))}`), shorten(third)].filter(Boolean);
    }
    const title = item.box.kind === "group" ? `${item.box.group + 1} ${item.box.label}` : item.box.label;
    if (item.inside) return [shorten(title, 60)];
    let count = 0, flops = 0n;
    for (const n of this.stage.under(item.box)) {
      if (INLINE.has(part.nodes[n].op)) continue;
      count++;
      flops += part.flops(n) ?? 0n;
    }
    return [shorten(title), `${several(count, "node")} · ${showFlops(flops)}`];
  }

  render() {
    const { app, stage } = this;
    const measure = (item) => {
      item.text = this.text(item);
      const [head, ...rest] = item.text;
      const width = Math.max((head.length + 3) * TEXT.head, ...rest.map((t) => t.length * TEXT.character)) + 2 * TEXT.padding;
      return { width: Math.max(width, 80), height: item.text.length * TEXT.line + TEXT.padding };
    };
    const { items, edges, width, height } = layoutStage(stage, this.open, measure);
    Object.assign(this, { items, edges, width, height });
    this.place = new Map();
    const under = [], over = [], lines = [];
    items.forEach((item, k) => {
      item.id = `${this.side}-${k}`;
      (item.inside ? under : over).push(this.card(item));
      const put = (e) => {
        if (isBox(e)) e.entries.forEach(put);
        else if (!this.place.has(e)) this.place.set(e, item);
      };
      if (item.node !== null) this.place.set(item.node, item);
      if (!item.inside) put(item.box !== null ? item.box : item.entry);
    });
    for (const e of edges) {
      e.line = draw("path", { class: "edge", d: curve(e.points), "stroke-width": Math.min(1 + Math.log2(e.count) / 2, 4) });
      lines.push(e.line);
    }
    this.world.replaceChildren(...under, ...lines, ...over);
    this.headline();
    this.paint();
  }

  card(item) {
    const { stage, app } = this, part = stage.part;
    const box = item.box, region = box !== null && item.node !== null;
    const kind = item.node === null ? box.kind : region ? "region" : part.nodes[item.node].op === "input" ? "input" : stage.outputs.has(item.node) ? "result" : "node";
    const group = draw("g", {
      id: item.id, class: `card ${kind}${item.inside ? " open" : ""}${box !== null && !item.inside ? " closed" : ""}`, role: "img",
      transform: `translate(${item.x.toFixed(1)} ${item.y.toFixed(1)})`, "aria-label": item.text.join(", "),
    });
    if (box !== null && !item.inside) {
      group.append(draw("rect", { class: "shadow", x: 4, y: 4, width: item.width, height: item.height, rx: 5 }));
    }
    item.rect = draw("rect", { class: "face", width: item.width, height: item.height, rx: 5 });
    group.append(item.rect);
    item.text.forEach((line, k) => group.append(draw("text", { class: k === 0 ? "head" : "rest", x: TEXT.padding, y: 16 + k * TEXT.line }, line)));
    if (box !== null) {
      const toggle = draw("g", { class: "toggle", transform: `translate(${item.width - 20} 4)` },
        draw("rect", { width: 16, height: 16, rx: 3 }), draw("path", { d: item.inside ? "M4 8h8" : "M4 8h8M8 4v8" }), draw("title", {}, item.inside ? "close" : "open"));
      toggle.addEventListener("click", (e) => {
        e.stopPropagation();
        this.toggle(box);
      });
      group.append(toggle);
    } else {
      const mark = app.marks(this.side).get(item.node);
      if (mark) group.append(draw("text", { class: `mark ${mark}`, x: item.width - 14, y: 16 }, MARKS[mark]));
    }
    group.append(draw("title", {}, item.text.join("\n")));
    group.addEventListener("click", (e) => {
      e.stopPropagation();
      if (!this.dragged) app.select(this.side, item.node ?? item.box);
    });
    group.addEventListener("dblclick", (e) => {
      e.stopPropagation();
      if (box !== null) this.toggle(box);
    });
    group.addEventListener("mouseenter", () => item.node !== null && app.hover(this.side, item.node));
    group.addEventListener("mouseleave", () => app.hover(this.side, null));
    return (item.element = group);
  }

  /** Heat, selection, matches and hits, on the cards that are there. */
  paint() {
    const { app, stage } = this, heat = app.heat(stage);
    const chosen = app.chosen(this.side), hits = app.hits(stage), hovered = app.hovered(this.side);
    for (const item of this.items) {
      const nodes = (item.nodes ??= item.node !== null ? [item.node] : item.inside ? [] : [...stage.under(item.box)]);
      const c = item.element.classList;
      for (let k = 0; k < 6; k++) c.toggle(`heat${k}`, !item.inside && heat !== null && heat(nodes) === k);
      const self = chosen.self !== null && (item.node === chosen.self || item.box === chosen.self);
      c.toggle("chosen", self);
      c.toggle("match", !self && nodes.some((n) => chosen.nodes.has(n)));
      c.toggle("touched", !item.inside && nodes.some((n) => app.matching.touched[this.side].has(n)));
      c.toggle("hit", nodes.some((n) => hits.has(n)));
      c.toggle("hover", nodes.some((n) => hovered.has(n)));
      if (self) this.svg.setAttribute("aria-activedescendant", item.id);
    }
    const self = this.items.find((i) => i.element.classList.contains("chosen"));
    for (const e of this.edges) e.line.classList.toggle("chosen", self !== undefined && (e.from === self || e.to === self));
    this.world.classList.toggle("searching", hits.size > 0);
  }

  headline() {
    const { stage } = this, part = stage.part;
    let flops = 0n;
    for (const n of stage.nodes) flops += part.flops(n) ?? 0n;
    this.totals.textContent = `${several(stage.count, "node")} · ${showFlops(flops)}`;
  }

  toggle(box) {
    const keep = this.items.find((i) => i.box === box), [x, y] = keep ? [keep.x, keep.y] : [0, 0];
    this.open.has(box) ? this.open.delete(box) : this.open.add(box);
    this.render();
    const now = this.items.find((i) => i.box === box);
    if (keep && now) {
      // What was clicked stays where it is.
      this.view.x += (x - now.x) * this.view.k;
      this.view.y += (y - now.y) * this.view.k;
      this.apply();
    }
  }

  /** Opens the boxes around a node and brings it into view. */
  reveal(n, center = true) {
    let changed = false;
    for (let box = this.stage.parents.get(n); box; box = this.stage.parents.get(box)) {
      if (!this.open.has(box)) {
        this.open.add(box);
        changed = true;
      }
    }
    if (changed) this.render();
    const item = this.place.get(n);
    if (item && center) this.center(item);
  }

  center(item) {
    const { width, height } = this.svg.getBoundingClientRect(), v = this.view;
    v.k = Math.max(v.k, 0.7);
    const x = item.x * v.k + v.x, y = item.y * v.k + v.y;
    if (x < 20 || y < 20 || x + item.width * v.k > width - 20 || y + item.height * v.k > height - 20) {
      v.x = width / 2 - (item.x + item.width / 2) * v.k;
      v.y = height / 2 - (item.y + Math.min(item.height, 200) / 2) * v.k;
    }
    this.apply();
  }

  fit() {
    const { width, height } = this.svg.getBoundingClientRect();
    if (!width || !height) return;
    const k = Math.min((width - 32) / Math.max(this.width, 1), (height - 32) / Math.max(this.height, 1), 1.25);
    // A long graph begins at its top, readable, rather than whole and tiny.
    const readable = Math.max(k, Math.min(0.62, (width - 32) / Math.max(this.width, 1)), 0.48);
    // Of a wide one, the part around its first card.
    const first = this.items.find((i) => !i.inside), wide = this.width * readable > width - 32;
    const x = wide && first ? Math.min(16, Math.max(width - 16 - this.width * readable, width / 2 - (first.x + first.width / 2) * readable)) : (width - this.width * readable) / 2;
    this.view = { k: readable, x, y: k < readable ? 16 : (height - this.height * readable) / 2 };
    this.apply();
  }

  all() {
    const { width, height } = this.svg.getBoundingClientRect();
    const k = Math.min((width - 32) / Math.max(this.width, 1), (height - 32) / Math.max(this.height, 1), 1.25);
    this.view = { k, x: (width - this.width * k) / 2, y: (height - this.height * k) / 2 };
    this.apply();
  }

  zoom(factor, x, y) {
    const r = this.svg.getBoundingClientRect(), v = this.view;
    const k = Math.min(Math.max(v.k * factor, 0.02), 4);
    const [cx, cy] = [x ?? r.width / 2, y ?? r.height / 2];
    v.x = cx - (cx - v.x) * (k / v.k);
    v.y = cy - (cy - v.y) * (k / v.k);
    v.k = k;
    this.apply();
  }

  apply() {
    const { x, y, k } = this.view;
    this.world.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)}) scale(${k.toFixed(4)})`);
    // Small text is only noise.
    this.world.classList.toggle("far", k < 0.45);
  }

  pointer() {
    let from = null;
    this.svg.addEventListener("pointerdown", (e) => {
      if (e.button !== 0) return;
      from = { x: e.clientX, y: e.clientY, view: { ...this.view } };
      this.dragged = false;
    });
    this.svg.addEventListener("pointermove", (e) => {
      if (from === null) return;
      const dx = e.clientX - from.x, dy = e.clientY - from.y;
      if (!this.dragged && Math.hypot(dx, dy) > 4) {
        this.dragged = true;
        this.svg.setPointerCapture(e.pointerId);
      }
      if (this.dragged) {
        this.view.x = from.view.x + dx;
        this.view.y = from.view.y + dy;
        this.apply();
      }
    });
    const end = () => (from = null);
    this.svg.addEventListener("pointerup", end);
    this.svg.addEventListener("pointercancel", end);
    this.svg.addEventListener("click", () => !this.dragged && this.app.select(this.side, null));
    this.svg.addEventListener("wheel", (e) => {
      e.preventDefault();
      const r = this.svg.getBoundingClientRect();
      const turn = e.deltaMode === 1 ? e.deltaY * 30 : e.deltaY;
      this.zoom(Math.exp(-turn * 0.0015), e.clientX - r.left, e.clientY - r.top);
    }, { passive: false });
  }

  key(e) {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const chosen = this.items.find((i) => i.element.classList.contains("chosen"));
    const leaves = this.items;
    let to = null;
    if (e.key === "ArrowUp" || e.key === "ArrowDown") {
      if (!chosen) to = leaves[0];
      else if (e.key === "ArrowUp") to = this.edges.find((d) => d.to === chosen)?.from ?? this.near(chosen, 0, -1);
      else to = this.edges.find((d) => d.from === chosen)?.to ?? this.near(chosen, 0, 1);
    } else if (e.key === "ArrowLeft" || e.key === "ArrowRight") {
      to = chosen ? this.near(chosen, e.key === "ArrowLeft" ? -1 : 1, 0) : leaves[0];
    } else if (e.key === "Enter" || e.key === " ") {
      if (chosen?.box) this.toggle(chosen.box);
    } else if (e.key === "Escape") {
      this.app.select(this.side, null);
    } else return;
    e.preventDefault();
    if (to) {
      this.app.select(this.side, to.node ?? to.box);
      const item = this.items.find((i) => i.element.classList.contains("chosen"));
      if (item) this.center(item);
    }
  }

  /** The nearest card in a direction. */
  near(item, dx, dy) {
    const cx = (i) => i.x + i.width / 2, cy = (i) => i.y + Math.min(i.height, 60) / 2;
    let best = null, least = Infinity;
    for (const other of this.items) {
      if (other === item || other.inside) continue;
      const x = cx(other) - cx(item), y = cy(other) - cy(item);
      const along = x * dx + y * dy, across = Math.abs(x * dy) + Math.abs(y * dx);
      if (along > 1 && along + 3 * across < least) {
        least = along + 3 * across;
        best = other;
      }
    }
    return best;
  }
}
