// The user's lines, linked to the nodes that come from them.

class SourcePanel {
  constructor(app, element) {
    this.app = app;
    this.element = element;
    this.lines = new Map();
    for (const [k, file] of app.picture.files.entries()) {
      element.append(make("h2", { title: file.name }, baseName(file.name)));
      if (!file.excerpts.length) {
        element.append(make("p", { class: "quiet" }, "The source of this file was not found."));
        continue;
      }
      const list = make("ol", {});
      file.excerpts.forEach((excerpt, e) => {
        if (e > 0) list.append(make("li", { class: "gap", "aria-hidden": true }, "⋯"));
        const indent = Math.min(...excerpt.lines.filter((t) => t.trim()).map((t) => t.length - t.trimStart().length));
        excerpt.lines.forEach((text, j) => {
          const number = excerpt.first + j;
          const bar = make("i", { class: "bar" });
          const line = make("li", { value: number, class: "line" }, make("span", { class: "gutter" }, bar, make("span", { class: "number" }, String(number))),
            make("code", {}, text.slice(Number.isFinite(indent) ? indent : 0) || " "));
          this.lines.set(`${k}:${number}`, { line, bar });
          list.append(line);
        });
      });
      element.append(list);
    }
    if (!app.picture.files.length) element.append(make("p", { class: "quiet" }, "These nodes have no source lines."));
  }

  /** The nodes of each line in the stages that are shown; lines that have some can be pointed at. */
  show(stages) {
    const { app } = this, part = app.part;
    this.nodes = new Map();
    for (const stage of stages) {
      for (const n of stage.nodes) {
        const p = part.place(n);
        if (p === null) continue;
        const key = `${p.file}:${p.line}`;
        if (!this.nodes.has(key)) this.nodes.set(key, new Set());
        this.nodes.get(key).add(n);
      }
    }
    for (const [key, { line, bar }] of this.lines) {
      const nodes = this.nodes.get(key);
      line.classList.toggle("used", nodes !== undefined);
      bar.style.width = "0";
      line.onmouseenter = line.onmouseleave = line.onclick = line.onkeydown = null;
      for (const a of ["tabindex", "role", "aria-label"]) line.removeAttribute(a);
      if (nodes === undefined) continue;
      line.tabIndex = 0;
      line.setAttribute("role", "button");
      line.setAttribute("aria-label", `line ${key.split(":")[1]}, ${nodes.size} nodes`);
      line.onmouseenter = () => app.hoverLine(nodes);
      line.onmouseleave = () => app.hoverLine(null);
      line.onclick = () => app.selectLine(key, nodes);
      line.onkeydown = (e) => {
        if (e.key === "Enter" || e.key === " ") {
          e.preventDefault();
          app.selectLine(key, nodes);
        }
      };
    }
    this.heat();
  }

  /** Bars: the share of each line in what the heat shows (bytes if that is off), in the graph on the right. */
  heat() {
    const stage = this.app.panes[1].stage, value = this.app.quantity(stage);
    const sums = new Map();
    let most = 0;
    for (const [key, nodes] of this.nodes) {
      let sum = 0;
      for (const n of nodes) if (stage.set.has(n)) sum += value(n);
      sums.set(key, sum);
      most = Math.max(most, sum);
    }
    for (const [key, sum] of sums) {
      const entry = this.lines.get(key);
      if (entry) entry.bar.style.width = most > 0 ? `${(94 * sum / most).toFixed(1)}%` : "0";
    }
  }

  mark(keys, chosen) {
    for (const [key, { line }] of this.lines) {
      line.classList.toggle("hover", keys.has(key));
      line.classList.toggle("chosen", chosen.has(key));
    }
  }

  scroll(key) {
    const entry = this.lines.get(key);
    if (!entry) return;
    const box = this.element.getBoundingClientRect(), r = entry.line.getBoundingClientRect();
    if (r.top < box.top || r.bottom > box.bottom) this.element.scrollTop += r.top - box.top - box.height / 2;
  }
}
