// The picture's data as the views need it: stages with parents and users, what matches between two stages, memory by step.

const INLINE = new Set(["constant", "dim_value"]);
const nodeOf = (port) => (typeof port === "number" ? port : port[0]);
/** A port as a key of maps. */
const portKey = (port) => (typeof port === "number" ? port : port[1] === 0 ? port[0] : `${port[0]}.${port[1]}`);
const isBox = (entry) => typeof entry === "object";

/** One program of the picture. */
class Part {
  constructor(picture, data) {
    this.picture = picture;
    this.data = data;
    this.nodes = data.nodes;
    this.groups = data.groups;
    this.env = new Map(data.sizes.map((s) => [s.name, BigInt(s.value ?? "1000")]));
    this.resized();
    /** Boxes that stand for the regions of nodes. */
    this.regionBoxes = new Map();
    this.stages = data.stages.map((s) => new Stage(this, s));
    this.history = new History(this);
    this.why = new Map(data.groups.flatMap((g) => g.stored.map((s) => [s.node, s.why])));
  }

  place(n) {
    const k = this.nodes[n].place;
    return k === undefined ? null : this.picture.places[k];
  }

  /** The box of a node's regions, or null. */
  regionBox(n) {
    const regions = this.nodes[n].regions;
    if (!regions) return null;
    if (!this.regionBoxes.has(n)) {
      const entries = regions.flatMap((r) => r.entries);
      this.regionBoxes.set(n, { kind: "region", node: n, label: this.nodes[n].op, entries });
    }
    return this.regionBoxes.get(n);
  }

  /** Sizes have changed. */
  resized() {
    this.kept = [new Map(), new Map()];
  }

  bytes(n) {
    return this.keep(0, n, () => this.sumOfBytes(n));
  }

  flops(n) {
    return this.keep(1, n, () => evaluate(this.nodes[n].flops, this.env));
  }

  keep(k, n, f) {
    if (!this.kept[k].has(n)) this.kept[k].set(n, f());
    return this.kept[k].get(n);
  }

  sumOfBytes(n) {
    let sum = 0n;
    for (const t of this.nodes[n].types) {
      const b = evaluate(this.data.types[t].bytes, this.env);
      if (b === null) return null;
      sum += b;
    }
    return sum;
  }

  type(n) {
    const one = (t) => `${t.dtype}[${t.shape.join(", ")}]`;
    return this.nodes[n].types.map((t) => one(this.data.types[t])).join(", ");
  }

  where(n) {
    const p = this.place(n);
    return p === null ? "" : `${baseName(this.picture.files[p.file].name)}:${p.line}`;
  }
}

const baseName = (path) => path.split(/[\\/]/).pop();

/** One graph of a part. */
class Stage {
  /** `read`: what is read in place of a port, by its key. */
  constructor(part, data, read = new Map()) {
    this.part = part;
    this.data = data;
    this.read = read;
    this.name = data.name;
    this.entries = data.entries;
    this.outputs = new Set(data.outputs.map((p) => nodeOf(this.port(p))));
    /** Nodes in order, those of regions after the node that has them. */
    this.nodes = [];
    /** The box around a node or a box; null at the top. */
    this.parents = new Map();
    const walk = (entries, parent) => {
      for (const e of entries) {
        if (!this.parents.has(e)) this.parents.set(e, parent);
        if (isBox(e)) walk(e.entries, e);
        else {
          this.nodes.push(e);
          const region = part.regionBox(e);
          if (region !== null && !this.parents.has(region)) {
            this.parents.set(region, parent);
            walk(region.entries, region);
          }
        }
      }
    };
    walk(this.entries, null);
    this.set = new Set(this.nodes);
    this.count = this.nodes.filter((n) => !INLINE.has(part.nodes[n].op)).length;
  }

  port(p) {
    for (let next; (next = this.read.get(portKey(p))) !== undefined; ) p = next;
    return p;
  }

  /** The operands of a node, as ports. */
  inputs(n) {
    const own = this.part.nodes[n].inputs ?? [];
    return this.read.size ? own.map((p) => this.port(p)) : own;
  }

  /** `multiply 2.0`: the operation, with constants among its operands. */
  title(n) {
    const { nodes } = this.part, node = nodes[n];
    const constants = this.inputs(n).map((p) => nodes[nodeOf(p)]).filter((o) => INLINE.has(o.op)).map((o) => o.name);
    return [node.op, node.name, ...constants].filter((x) => x !== undefined).join(" ");
  }

  /** Users of each node, and how many nodes it outlives. */
  get users() {
    if (this.users_ === undefined) {
      this.users_ = new Map(this.nodes.map((n) => [n, []]));
      this.lifetimes = new Map();
      for (const n of this.nodes) for (const p of this.inputs(n)) this.users_.get(nodeOf(p))?.push(n);
      const at = this.order();
      for (const [n, users] of this.users_) {
        const last = this.outputs.has(n) ? this.nodes.length : users.reduce((m, u) => Math.max(m, at.get(u)), at.get(n));
        this.lifetimes.set(n, last - at.get(n));
      }
    }
    return this.users_;
  }

  /** Position of each node in an order in which they can be computed: that of `nodes`, unless steps have put some in. */
  order() {
    const at = new Map(), stack = [];
    for (const first of this.nodes) {
      stack.push(first);
      while (stack.length) {
        const n = stack.at(-1);
        const waiting = at.has(n) ? [] : this.inputs(n).map(nodeOf).filter((p) => !at.has(p) && this.set.has(p));
        if (waiting.length) stack.push(...waiting);
        else {
          stack.pop();
          if (!at.has(n)) at.set(n, at.size);
        }
      }
    }
    return at;
  }

  lifetime(n) {
    this.users;
    return this.lifetimes.get(n) ?? 0;
  }

  /** Number of nodes under an entry. */
  size(entry) {
    let n = 0;
    for (const _ of this.under(entry)) n++;
    return n;
  }

  /** Every node under an entry, regions included. */
  *under(entry) {
    if (isBox(entry)) {
      for (const e of entry.entries) yield* this.under(e);
    } else {
      yield entry;
      const region = this.part.regionBox(entry);
      if (region !== null) yield* this.under(region);
    }
  }
}

/** What became of each node between two stages: marks by node, and partners in both directions. */
class Matching {
  /** `step`: the step that is shown. If it says what it made, there is no other between the two. */
  constructor(part, before, after, step) {
    this.marks = [new Map(), new Map()];
    this.partners = [new Map(), new Map()];
    const look = (n) => {
      const node = part.nodes[n];
      return `${node.op}|${node.name ?? ""}|${node.types.join()}|${node.place ?? ""}`;
    };
    const waiting = new Map();
    for (const n of before.nodes) {
      if (after.set.has(n)) this.pair(n, n, "same");
      else {
        const key = look(n);
        if (!waiting.has(key)) waiting.set(key, []);
        waiting.get(key).push(n);
      }
    }
    const taken = new Map();
    for (const n of after.nodes) {
      if (before.set.has(n)) continue;
      if (step?.made) {
        this.marks[1].set(n, "new");
        continue;
      }
      const key = look(n), k = taken.get(key) ?? 0, list = waiting.get(key) ?? [];
      if (k < list.length) {
        taken.set(key, k + 1);
        this.pair(list[k], n, "moved");
      } else this.marks[1].set(n, "new");
    }
    for (const n of before.nodes) if (!this.marks[0].has(n)) this.marks[0].set(n, "gone");
    /** Nodes that the step left unused, and those that it made: of a whole pass, those of its line. */
    this.touched = [step?.removed, step?.made].map((nodes) => new Set(nodes));
    if (step && !step.made) {
      const here = (side, mark) => new Set([...this.marks[side]].filter(([n, m]) => m === mark && part.nodes[n].place === step.place).map(([n]) => n));
      this.touched = [here(0, "gone"), here(1, "new")];
    }
  }

  pair(a, b, mark) {
    this.marks[0].set(a, mark);
    this.marks[1].set(b, mark);
    this.partners[0].set(a, b);
    this.partners[1].set(b, a);
  }
}

/** Bytes held by the steps of a plan: `[{label, place, group, held, live}]`, where `live` lists buffers with their bytes. */
function memorySteps(part) {
  const { buffers, steps, alignment } = part.data.memory;
  const align = BigInt(alignment);
  const out = [], live = new Map();
  const size = (k, env) => {
    const b = evaluate(buffers[k].bytes, env);
    if (b === null) return null;
    return ((b > 0n ? b : 1n) + align - 1n) / align * align;
  };
  let held = 0n, unknown = false;
  const note = (label, step) => out.push({ label, place: step.place, group: step.group, held, live: [...live] });
  const walk = (list, env) => {
    for (const s of list) {
      if (s.alloc !== undefined) {
        const bytes = size(s.alloc, env);
        if (bytes === null) unknown = true;
        held += (bytes ?? 0n) - (live.get(s.alloc) ?? 0n);
        live.set(s.alloc, bytes ?? 0n);
      } else if (s.free !== undefined) {
        held -= live.get(s.free) ?? 0n;
        live.delete(s.free);
      } else if (s.swap !== undefined) {
        const [a, b] = s.swap, x = live.get(a), y = live.get(b);
        y === undefined ? live.delete(a) : live.set(a, y);
        x === undefined ? live.delete(b) : live.set(b, x);
      } else if (s.for !== undefined) {
        // Once for the first index and once for the last: sizes that follow the index mostly grow or shrink with it.
        const lo = evaluate(s.lo, env), hi = evaluate(s.hi, env);
        if (lo === null || hi === null || hi <= lo) continue;
        const ends = hi - lo > 1n && JSON.stringify(s.body).length < 1e5 ? [lo, hi - 1n] : [lo];
        for (const i of ends) walk(s.body, new Map(env).set(s.for, i));
      } else if (s.while !== undefined) {
        walk(s.cond, env);
        walk(s.body, env);
      } else if (s.if !== undefined) {
        walk(s.then, env);
        walk(s.else, env);
      } else note(s.kernel ?? s.routine, s);
    }
  };
  walk(steps, part.env);
  return { steps: out, unknown };
}
