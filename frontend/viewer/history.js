// The history of rewriting: the moves from the traced graph to the fused one. A rule that a search applied is a move of its
// own, with the nodes that it made and left unused; one that a pass applied to the whole graph is a move for each line.

/** A stage with the first of the steps that lead to the next one. Nodes that stay keep their numbers: `read` says what they read. */
function stepped(part, base, steps) {
  const gone = new Set(), home = new Map(), made = new Set(), read = new Map();
  for (const s of steps) {
    const first = s.removed[0] ?? (s.replaced.length ? nodeOf(s.replaced[0][0]) : undefined);
    const anchor = home.get(first) ?? first;
    for (const n of s.removed) made.delete(n) || gone.add(n);
    for (const n of s.made) {
      made.add(n);
      home.set(n, anchor);
    }
    for (const [from, to] of s.replaced) {
      read.set(portKey(from), to);
      read.delete(portKey(to));
    }
  }
  const at = new Map();
  for (const n of made) {
    if (!at.has(home.get(n))) at.set(home.get(n), []);
    at.get(home.get(n)).push(n);
  }
  // What is new stands where the first node stood that it replaces.
  const rebuilt = (entries) => entries.flatMap((e) => {
    if (isBox(e)) {
      const inside = rebuilt(e.entries);
      return inside.length ? [{ ...e, entries: inside }] : [];
    }
    const here = at.get(e) ?? [];
    at.delete(e);
    return gone.has(e) ? here : [...here, e];
  });
  const entries = rebuilt(base.data.entries);
  entries.push(...[...at.values()].flat());
  return new Stage(part, { name: base.name, entries, outputs: base.data.outputs }, read);
}

class History {
  constructor(part) {
    this.part = part;
    this.kept = new Map();
    /** Each with the stage and number of steps on either side, and a `step` unless it is a pass that no rule speaks for. */
    this.moves = [];
    const of = new Map(part.stages.map((_, j) => [j, []]));
    for (const s of part.data.steps) of.get(s.stage).push(s);
    this.single = new Map();
    for (let j = 1; j < part.stages.length; j++) {
      const single = of.get(j).filter((s) => s.made !== undefined);
      this.single.set(j - 1, single);
      const whole = { before: [j - 1, 0], after: [j, 0], pass: part.stages[j].name, count: 1 };
      const lines = new Map();
      let k = 0;
      for (const step of of.get(j)) {
        if (step.made !== undefined) {
          this.moves.push({ ...whole, pass: step.pass, before: [j - 1, k], after: [j - 1, ++k], step });
          continue;
        }
        const key = `${step.rule} ${step.place}`, known = lines.get(key);
        if (known) {
          known.count++;
          known.seconds += step.seconds;
        } else {
          lines.set(key, { ...whole, pass: step.pass, step, seconds: step.seconds });
          this.moves.push(lines.get(key));
        }
      }
      if (!of.get(j).length) this.moves.push(whole);
    }
  }

  /** The graphs of a move. */
  stages(move) {
    return [move.before, move.after].map(([stage, count]) => {
      if (count === 0) return this.part.stages[stage];
      const key = `${stage} ${count}`;
      if (!this.kept.has(key)) {
        // The two that are shown and their neighbors: each knows all of its nodes.
        if (this.kept.size > 4) this.kept.delete(this.kept.keys().next().value);
        this.kept.set(key, stepped(this.part, this.part.stages[stage], this.single.get(stage).slice(0, count)));
      }
      return this.kept.get(key);
    });
  }

  title(move) {
    const name = move.step?.rule ?? (move.pass === "fused" ? "fusion" : move.pass);
    return move.count > 1 ? `${name} × ${move.count}` : name;
  }

  /** The first move of a rule. */
  find(rule) {
    return this.moves.findIndex((m) => m.step?.rule === rule);
  }
}

/** The part of the page that tells of rules: all of them, and of the move that is shown. */
function historyPanel(app) {
  const { part, history, move } = app, rules = part.data.rules;
  const saved = (s) => make("td", { class: "amount quiet", title: "what it saves" }, s > 0 ? showSeconds(s) : "");
  const jump = (k, text) => make("button", { class: "text", onclick: () => app.goToMove(k) }, text);
  if (move === null) {
    const row = (r) => {
      const k = history.find(r.name);
      return make("tr", {}, make("td", {}, k < 0 ? r.name : jump(k, r.name)), make("td", { class: "quiet" }, r.class),
        make("td", { class: "amount" }, `× ${r.count}`), saved(r.seconds));
    };
    return [make("h2", {}, rules.length ? "Rules that fired" : "No rewriting rule fired"), ...(rules.length ? [make("table", {}, ...rules.map(row))] : [])];
  }
  const now = history.moves[move], step = now.step, seconds = (m) => m.seconds ?? m.step?.seconds ?? 0;
  const place = step?.place === undefined ? null : app.picture.places[step.place];
  const facts = step === undefined ? [["pass", now.pass === "fused" ? "what kernels compute together" : now.pass]] : [
    ["class", step.class], ["saves", seconds(now) > 0 ? showSeconds(seconds(now)) : "nothing by itself"],
    ["before", step.before && make("code", {}, step.before)], ["after", step.after && make("code", {}, step.after)],
    ["pass", step.made === undefined ? `${now.pass}: the graphs are those before and after all of it` : now.pass],
    ["line", place && make("button", { class: "text", onclick: () => app.goTo(place) }, `${baseName(app.picture.files[place.file].name)}:${place.line}`)],
  ];
  // The moves around this one.
  const from = Math.max(0, Math.min(move - 6, history.moves.length - 13)), near = history.moves.slice(from, from + 13);
  const line = (m, j) => make("tr", { class: from + j === move ? "chosen" : "", "aria-current": from + j === move ? "step" : null },
    make("td", { class: "amount quiet" }, String(from + j + 1)), make("td", {}, jump(from + j, history.title(m))),
    make("td", { class: "quiet" }, m.step?.class ?? "pass"), saved(seconds(m)));
  return [make("h2", {}, history.title(now)), describing(facts), make("table", { class: "moves" }, ...near.map(line))];
}
