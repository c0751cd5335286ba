// The page as a whole: what is shown, chosen, pointed at and searched for.

const byId = (id) => document.getElementById(id);

/** Names beside what they stand for; what is empty is left out. */
const describing = (rows) => make("dl", {}, ...rows.filter((r) => r[1] !== "" && r[1] !== undefined && r[1] !== null).flatMap(([k, v]) => [make("dt", {}, k), make("dd", {}, v)]));

class App {
  constructor(picture) {
    this.picture = picture;
    this.parts = picture.parts.map((p) => new Part(picture, p));
    this.heatBy = "none";
    this.found = [];
    this.foundSet = new Set();
    this.selection = null;
    this.lineNodes = new Set();
    this.over = null;
    document.title = `${picture.name} · frit`;
    byId("name").textContent = picture.name;
    this.panes = [new GraphPane(this, byId("before"), 0), new GraphPane(this, byId("after"), 1)];
    this.source = new SourcePanel(this, byId("source"));
    this.memory = new MemoryPanel(this, byId("memory"));
    this.controls();
    this.showPart(0);
  }

  controls() {
    const on = (id, event, f) => byId(id).addEventListener(event, f);
    byId("part-label").hidden = this.parts.length < 2;
    byId("part").replaceChildren(...this.parts.map((p, k) => make("option", { value: k }, p.data.name)));
    on("part", "change", (e) => this.showPart(Number(e.target.value)));
    on("heat", "change", (e) => {
      this.heatBy = e.target.value;
      this.source.heat();
      this.paint();
    });
    on("search", "input", () => this.search());
    on("search", "keydown", (e) => {
      if (e.key === "Enter") this.next(e.shiftKey ? -1 : 1);
      if (e.key === "Escape") {
        byId("search").value = "";
        this.search();
        this.panes[1].svg.focus();
      }
    });
    on("history-back", "click", () => this.step(-1));
    on("history-on", "click", () => this.step(1));
    on("history-all", "click", () => this.showEnds());
    on("help-open", "click", () => byId("help").showModal());
    on("theme", "click", () => {
      const { dataset } = document.documentElement, system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
      dataset.theme = (dataset.theme ?? system) === "dark" ? "light" : "dark";
    });
    document.addEventListener("keydown", (e) => {
      if (e.ctrlKey || e.metaKey || e.altKey || e.target.matches?.("input, select, textarea") || byId("help").open) return;
      const pane = this.panes.find((p) => p.svg === document.activeElement) ?? this.panes[1];
      const keys = {
        "/": () => byId("search").focus(), "?": () => byId("help").showModal(), "+": () => pane.zoom(1.3), "=": () => pane.zoom(1.3),
        "-": () => pane.zoom(1 / 1.3), "0": () => pane.all(), "[": () => this.step(-1), "]": () => this.step(1),
      };
      if (keys[e.key]) {
        e.preventDefault();
        keys[e.key]();
      }
    });
    window.addEventListener("resize", () => this.panes.forEach((p) => p.fit()));
  }

  showPart(k) {
    this.part = this.parts[k];
    this.history = this.part.history;
    this.sizes();
    this.showEnds();
    this.memory.show();
  }

  stageName(j) {
    const last = this.part.stages.length - 1;
    return j === 0 ? "as traced" : j === last ? "fused" : `${j}. after ${this.part.stages[j].name}`;
  }

  sizes() {
    const field = (s) => {
      const id = `size-${s.name}`, value = this.part.env.get(s.name);
      const number = make("input", { id, type: "number", min: 0, step: 1, value: String(value), class: "size" });
      const slider = make("input", { type: "range", min: 0, max: 30, step: 0.25, value: Math.log2(Math.max(Number(value), 1)), "aria-label": `${s.name}, from 1 to 2 to the 30th` });
      const set = (v) => {
        this.part.env.set(s.name, v);
        this.resized();
      };
      number.addEventListener("input", () => {
        if (!/^\d+$/.test(number.value)) return;
        slider.value = Math.log2(Math.max(Number(number.value), 1));
        set(BigInt(number.value));
      });
      slider.addEventListener("input", () => {
        number.value = String(Math.round(2 ** Number(slider.value)));
        set(BigInt(number.value));
      });
      return make("label", { for: id }, `${s.name} `, number, slider);
    };
    byId("sizes").replaceChildren(...this.part.data.sizes.map(field));
  }

  resized() {
    this.part.resized();
    this.panes.forEach((p) => p.render());
    this.scale();
    this.source.heat();
    this.memory.show();
    this.describe();
  }

  /** The traced graph beside the fused one. */
  showEnds() {
    this.move = null;
    this.show([this.part.stages[0], this.part.stages.at(-1)]);
  }

  /** A stage in one of the panes. */
  chooseStage(side, j) {
    if (j < 0) return;
    const stages = this.panes.map((p) => p.stage);
    stages[side] = this.part.stages[j];
    this.move = null;
    this.show(stages);
  }

  /** The graphs before and after a move of the history, at what it changed. */
  goToMove(k) {
    this.move = k;
    const move = this.history.moves[k];
    this.show(this.history.stages(move), move.step);
    const { touched } = this.matching;
    if (!move.step) return;
    const ends = [0, 1].map((side) => (move.step.replaced ?? []).map((pair) => nodeOf(pair[side])));
    this.panes.forEach((pane, side) => {
      const seen = (n) => pane.stage.set.has(n) && !INLINE.has(this.part.nodes[n].op);
      const n = [...touched[side], ...ends[side]].find(seen);
      if (n !== undefined) pane.reveal(n);
    });
    this.paint();
    if (move.step.place !== undefined) {
      const p = this.picture.places[move.step.place];
      this.source.scroll(`${p.file}:${p.line}`);
    }
  }

  show(stages, step) {
    const { part, move } = this, { moves } = this.history, last = moves.length - 1;
    this.matching = new Matching(part, ...stages, step);
    this.selection = null;
    this.lineNodes = new Set();
    this.panes.forEach((p, side) => {
      const at = part.stages.indexOf(stages[side]);
      const options = part.stages.map((_, j) => make("option", { value: j }, this.stageName(j)));
      if (at < 0) options.push(make("option", { value: -1 }, side === 0 ? `before step ${move + 1}` : `after step ${move + 1}`));
      p.select.replaceChildren(...options);
      p.select.value = String(at);
      p.show(stages[side]);
    });
    byId("history-text").textContent = move === null ? several(moves.length, "step") + " of rewriting" : `step ${move + 1} of ${moves.length} · ${this.history.title(moves[move])}`;
    byId("history-back").disabled = move === null ? last < 0 : move === 0;
    byId("history-on").disabled = move === null ? last < 0 : move === last;
    this.source.show(stages);
    this.search();
    this.describe();
  }

  /** From the first graph beside the last, the first step on is the first move, the first step back the last one. */
  step(d) {
    const last = this.history.moves.length - 1;
    const at = this.move === null ? (d > 0 ? 0 : last) : this.move + d;
    if (at >= 0 && at <= last) this.goToMove(at);
  }

  marks(side) {
    return this.matching.marks[side];
  }

  // Choosing and pointing.

  select(side, what) {
    this.selection = what === null ? null : { side, what };
    this.lineNodes = new Set();
    if (typeof what === "number") {
      const partner = this.matching.partners[side].get(what), other = this.panes[1 - side];
      if (partner !== undefined && other.place.has(partner)) other.center(other.place.get(partner));
      const p = this.part.place(what);
      if (p) this.source.scroll(`${p.file}:${p.line}`);
    }
    this.paint();
    this.describe();
  }

  /** What is chosen in a pane, and what goes with it. */
  chosen(side) {
    const nodes = new Set(this.lineNodes), s = this.selection;
    if (s === null) return { self: null, nodes };
    if (s.side === side) return { self: s.what, nodes };
    const { partners } = this.matching, from = this.panes[s.side].stage;
    const list = typeof s.what === "number" ? [s.what] : from.under(s.what);
    for (const n of list) if (partners[s.side].has(n)) nodes.add(partners[s.side].get(n));
    if (typeof s.what === "number" && !nodes.size) {
      // Gone, or new: what the same line gives in the other graph.
      const p = this.part.place(s.what);
      for (const n of this.source.nodes.get(p && `${p.file}:${p.line}`) ?? []) nodes.add(n);
    }
    return { self: null, nodes };
  }

  hover(side, n) {
    this.over = n === null ? null : { side, nodes: new Set([n]) };
    this.paint();
  }

  hoverLine(nodes) {
    this.over = nodes === null ? null : { side: null, nodes };
    this.paint();
  }

  hovered(side) {
    if (this.over === null) return new Set();
    if (this.over.side === null || this.over.side === side) return this.over.nodes;
    const out = new Set();
    for (const n of this.over.nodes) if (this.matching.partners[1 - side].has(n)) out.add(this.matching.partners[1 - side].get(n));
    return out;
  }

  selectLine(key, nodes) {
    this.selection = null;
    this.lineNodes = nodes;
    for (const pane of this.panes) {
      const first = pane.stage.nodes.find((n) => nodes.has(n) && !INLINE.has(this.part.nodes[n].op));
      if (first !== undefined) pane.reveal(first);
    }
    this.paint();
    this.describe();
  }

  /** A line of the source; of several nodes there, those of a group first. */
  goTo(place, group) {
    const key = `${place.file}:${place.line}`, nodes = this.source.nodes.get(key);
    this.source.scroll(key);
    if (group !== undefined) {
      const n = this.part.groups[group].nodes.find((n) => this.panes[1].stage.set.has(n));
      if (n !== undefined) {
        this.panes[1].reveal(n);
        return this.select(1, n);
      }
    }
    if (nodes) this.selectLine(key, nodes);
  }

  paint() {
    this.panes.forEach((p) => p.paint());
    this.scale();
    const keys = (nodes) => {
      const out = new Set();
      for (const n of nodes) {
        const p = this.part.place(n);
        if (p) out.add(`${p.file}:${p.line}`);
      }
      return out;
    };
    const s = this.selection, chosen = s === null ? this.lineNodes : typeof s.what === "number" ? [s.what] : [...this.panes[s.side].stage.under(s.what)];
    this.source.mark(keys(this.over?.nodes ?? []), keys(chosen));
  }

  // Heat.

  /** The colors with the numbers at their ends, of the graph on the right. */
  scale() {
    const box = byId("scale"), stage = this.panes[1].stage;
    box.hidden = this.heatBy === "none";
    if (box.hidden) return;
    const { least, most } = this.heatRange(stage);
    const show = (v) => (this.heatBy === "bytes" ? showBytes(v) : this.heatBy === "flops" ? showFlops(v) : several(v, "node"));
    const swatches = [1, 2, 3, 4, 5].map((k) => make("i", { class: `heat${k}` }));
    box.replaceChildren(make("span", {}, most > 0 ? show(least) : "nothing"), ...swatches, make("span", {}, most > 0 ? show(most) : ""));
  }

  heatRange(stage) {
    // Pointing repaints: what depends on the stage and the sizes only is kept.
    const key = `${this.heatBy} ${[...this.part.env.values()].join()}`;
    if (stage.range?.key === key) return stage.range;
    const value = this.quantity(stage);
    let most = 0, least = Infinity;
    for (const n of stage.nodes) {
      const v = value(n);
      if (v > most) most = v;
      if (v > 0 && v < least) least = v;
    }
    return (stage.range = { key, least, most });
  }

  /** A number for each node: what the heat shows. */
  quantity(stage) {
    const part = this.part;
    if (this.heatBy === "flops") return (n) => Number(part.flops(n) ?? 0n);
    if (this.heatBy === "lifetime") return (n) => stage.lifetime(n);
    return (n) => (part.nodes[n].op === "input" ? 0 : Number(part.bytes(n) ?? 0n));
  }

  /** From nodes to a step of the scale, 0 to 5, or null if there is no heat. */
  heat(stage) {
    if (this.heatBy === "none") return null;
    const value = this.quantity(stage), { least, most } = this.heatRange(stage);
    const range = Math.log(most / least) || 1;
    return (nodes) => {
      let v = 0;
      for (const n of nodes) v = this.heatBy === "lifetime" ? Math.max(v, value(n)) : v + value(n);
      if (v <= 0) return 0;
      return most === least ? 3 : Math.min(5, Math.max(1, 1 + Math.floor(4.999 * Math.log(v / least) / range)));
    };
  }

  // Searching.

  search() {
    const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean), part = this.part;
    this.found = [];
    if (words.length) {
      const texts = new Map();
      const matches = (n) => {
        if (INLINE.has(part.nodes[n].op)) return false;
        if (!texts.has(n)) texts.set(n, `${this.panes.find((p) => p.stage.set.has(n)).stage.title(n)} ${part.nodes[n].attrs ?? ""} ${part.type(n)} ${part.where(n)} ${part.place(n)?.function ?? ""}`.toLowerCase());
        return words.every((w) => texts.get(n).includes(w));
      };
      for (const side of [1, 0]) for (const n of this.panes[side].stage.nodes) if (matches(n)) this.found.push({ side, n });
    }
    this.foundSet = new Set(this.found.map((f) => f.n));
    this.at = -1;
    byId("search-count").textContent = words.length ? (this.found.length ? `${this.found.length} found` : "none") : "";
    this.paint();
  }

  hits() {
    return this.foundSet;
  }

  next(d) {
    if (!this.found.length) return;
    this.at = (this.at + d + this.found.length) % this.found.length;
    const { side, n } = this.found[this.at];
    this.panes[side].reveal(n);
    this.select(side, n);
    byId("search-count").textContent = `${this.at + 1} of ${this.found.length}`;
  }

  // The selected thing.

  describe() {
    const box = byId("detail"), s = this.selection, part = this.part;
    if (s === null) return box.replaceChildren(...historyPanel(this));
    const pane = this.panes[s.side];
    if (typeof s.what !== "number") {
      const nodes = [...pane.stage.under(s.what)];
      const sum = (f) => nodes.reduce((t, n) => t + (f(n) ?? 0n), 0n);
      const stored = s.what.kind === "group" ? part.groups[s.what.group].stored : [];
      box.replaceChildren(make("h2", {}, s.what.label), describing([
        ["what", { group: "computed together, in one kernel or call", repeat: "an unrolled loop", iteration: "one iteration", function: "one function", line: "one line", range: "neighbors", region: "a region" }[s.what.kind]],
        ["nodes", String(nodes.length)], ["FLOPs", showFlops(sum((n) => part.flops(n)))],
        ...stored.map((x) => ["stores", `${pane.stage.title(x.node)} ${part.type(x.node)}: it ${x.why}`]),
      ]));
      return;
    }
    const n = s.what, node = part.nodes[n], flops = part.flops(n);
    const link = (k) => make("button", { class: "text", onclick: () => { pane.reveal(k); this.select(s.side, k); } }, pane.stage.title(k));
    const list = (all) => all.length ? make("span", {}, ...all.slice(0, 12).flatMap((k, j) => [j ? ", " : "", link(k)]), all.length > 12 ? ` and ${all.length - 12} more` : "") : "";
    const p = part.place(n), mark = this.marks(s.side).get(n);
    const group = part.groups.findIndex((g) => g.nodes.includes(n));
    box.replaceChildren(make("h2", {}, pane.stage.title(n)), describing([
      ["type", part.type(n)], ["bytes", `${showBytes(part.bytes(n))}${this.formula(node.types.map((t) => part.data.types[t].bytes))}`],
      ["FLOPs", flops === null ? "depends on data" : `${showFlops(flops)}${this.formula([node.flops])}`],
      ["attributes", node.attrs], ["operands", list([...new Set(pane.stage.inputs(n).map(nodeOf))].filter((k) => pane.stage.set.has(k) && !INLINE.has(part.nodes[k].op)))],
      ["uses", list([...new Set(pane.stage.users.get(n) ?? [])])], ["line", p === null ? "" : `${part.where(n)}${p.function ? `, in ${p.function}` : ""}`],
      ["group", s.side === 1 && group >= 0 ? `${group + 1} ${part.groups[group].name}` : ""], ["in memory", part.why.has(n) && pane.stage === part.stages.at(-1) ? `it ${part.why.get(n)}` : ""],
      ["lifetime", several(pane.stage.lifetime(n), "node")],
      ["other graph", { same: "the same", moved: "the same operation on other operands", gone: "not there", new: "not there" }[mark]],
    ]));
  }

  /** An expression over sizes, where it is one. */
  formula(texts) {
    return texts.length === 1 && /[^\d]/.test(texts[0]) ? ` = ${texts[0]}` : "";
  }
}

const started = performance.now();
const app = new App(JSON.parse(byId("picture").textContent));
// For tests and for whoever measures: when the page could be used.
document.documentElement.dataset.ready = (performance.now() - started).toFixed(0);
