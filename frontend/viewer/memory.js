// What the plan holds at each step, and which buffers that is.

class MemoryPanel {
  constructor(app, element) {
    this.app = app;
    this.head = make("div", { class: "head" });
    this.svg = draw("svg", { tabindex: 0, role: "slider", "aria-label": "Step of the plan", preserveAspectRatio: "none" });
    this.list = make("div", { class: "held" });
    element.replaceChildren(this.head, make("div", { class: "chart" }, this.svg), this.list);
    this.svg.addEventListener("pointermove", (e) => this.point(e));
    this.svg.addEventListener("pointerleave", () => (this.fixed === null ? this.overview() : this.hold(this.fixed)));
    this.svg.addEventListener("click", (e) => {
      this.fixed = this.at(e);
      this.hold(this.fixed);
      this.go();
    });
    this.svg.addEventListener("keydown", (e) => {
      const d = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity }[e.key];
      if (d === undefined || !this.steps.length) return;
      e.preventDefault();
      this.fixed = Math.min(Math.max((this.fixed ?? this.peak) + d, 0), this.steps.length - 1);
      this.hold(this.fixed);
      this.go();
    });
  }

  show() {
    const { app } = this, part = app.part;
    const { steps, unknown } = memorySteps(part);
    this.steps = steps;
    const sums = { input: 0n, output: 0n };
    for (const b of part.data.memory.buffers) if (b.kind in sums) sums[b.kind] += evaluate(b.bytes, part.env) ?? 0n;
    let peak = 0n;
    this.fixed = null;
    this.peak = 0;
    steps.forEach((s, k) => {
      if (s.held > peak) [peak, this.peak] = [s.held, k];
    });
    const projected = part.data.memory.projected, same = part.data.sizes.every((s) => s.value !== null && part.env.get(s.name) === BigInt(s.value));
    const { formula } = part.data.memory, named = part.data.sizes.length > 0;
    const lines = [`arguments ${showBytes(sums.input)}`, `results ${showBytes(sums.output)}`];
    lines.push(projected && same ? `projected peak ${showBytes(BigInt(projected.peak))}` : `buffers at the peak ${showBytes(peak)}${formula.workspaces.length ? `, and workspace of ${formula.workspaces.join(", ")}` : ""}`);
    if (named) lines.push(`for all sizes ${formula.peak.length > 1 ? `max(${formula.peak.join(", ")})` : formula.peak[0] ?? "0"} B`);
    if (unknown) lines.push("sizes that follow from data are left out");
    this.head.replaceChildren(make("h2", {}, "Memory"), make("span", { class: "totals" }, lines.join(" · ")));
    this.projected = projected && same ? projected : null;
    this.chart(Number(peak));
    this.overview();
  }

  /** What makes the peak: of the projection, which knows workspaces too, or else of the buffers. */
  overview() {
    this.hold(this.peak);
    if (this.projected === null || !this.steps.length) return;
    const { picture } = this.app, total = BigInt(this.projected.peak);
    const rows = this.projected.at_peak.map((u) => this.row(BigInt(u.bytes), total, u.op, u.place === undefined ? null : picture.places[u.place], u.output ? "result" : "temporary"));
    this.list.replaceChildren(make("p", {}, `at the projected peak, ${showBytes(total)}`), make("table", {}, ...rows.slice(0, 12)));
  }

  row(bytes, total, op, place, kind) {
    const { app } = this, share = total > 0n ? Number(bytes * 1000n / total) / 10 : 0;
    const where = place === null ? "" : `${baseName(app.picture.files[place.file].name)}:${place.line}`;
    return make("tr", { class: place ? "link" : "", onclick: () => place && app.goTo(place) },
      make("td", { class: "amount" }, showBytes(bytes)), make("td", {}, make("i", { class: "share", style: `width:${(share * 0.6).toFixed(1)}px` })),
      make("td", {}, op), make("td", {}, where), make("td", { class: "quiet" }, kind));
  }

  chart(peak) {
    const n = Math.max(this.steps.length, 1);
    this.svg.setAttribute("viewBox", `0 0 ${n} 100`);
    let d = "M0 100";
    this.steps.forEach((s, k) => {
      const y = (peak > 0 ? 96 - 90 * Number(s.held) / peak : 96).toFixed(2);
      d += `L${k} ${y}L${k + 1} ${y}`;
    });
    d += `L${n} 100Z`;
    this.cursor = draw("rect", { class: "cursor", y: 0, height: 100, width: 1 });
    this.svg.replaceChildren(draw("path", { class: "area", d }), draw("line", { class: "peak", x1: 0, x2: n, y1: 6, y2: 6 }), this.cursor);
    this.svg.setAttribute("aria-valuemin", 1);
    this.svg.setAttribute("aria-valuemax", n);
  }

  at(e) {
    const r = this.svg.getBoundingClientRect();
    return Math.min(Math.max(Math.floor((e.clientX - r.left) / r.width * this.steps.length), 0), Math.max(this.steps.length - 1, 0));
  }

  point(e) {
    this.hold(this.at(e));
  }

  /** Lists what is held at a step. */
  hold(k) {
    const step = this.steps[k];
    if (!step) {
      this.list.replaceChildren(make("p", { class: "quiet" }, "Nothing is computed: the results are arguments or constants."));
      return;
    }
    const { app } = this, part = app.part, buffers = part.data.memory.buffers;
    const width = Math.max(1, this.steps.length / 400);
    this.cursor.setAttribute("x", k + 0.5 - width / 2);
    this.cursor.setAttribute("width", width);
    const text = `step ${k + 1} of ${this.steps.length}: ${step.label}, ${showBytes(step.held)}${k === this.peak ? ", the peak" : ""}`;
    this.svg.setAttribute("aria-valuenow", k + 1);
    this.svg.setAttribute("aria-valuetext", text);
    const held = [...step.live].sort((a, b) => (b[1] > a[1] ? 1 : b[1] < a[1] ? -1 : a[0] - b[0]));
    const row = ([b, bytes]) => {
      const buffer = buffers[b], place = buffer.place === undefined ? null : app.picture.places[buffer.place];
      return this.row(bytes, step.held, buffer.op, place, buffer.kind === "output" ? "result" : buffer.kind);
    };
    const rest = held.slice(12).reduce((sum, x) => sum + x[1], 0n);
    this.list.replaceChildren(make("p", {}, text), make("table", {}, ...held.slice(0, 12).map(row),
      ...(held.length > 12 ? [make("tr", {}, make("td", { class: "amount" }, showBytes(rest)), make("td", {}), make("td", { colspan: 3 }, `${held.length - 12} more`))] : [])));
  }

  /** Shows the group of the chosen step. */
  go() {
    const step = this.steps[this.fixed];
    if (step?.place !== undefined) this.app.goTo(this.app.picture.places[step.place], step.group);
  }
}
