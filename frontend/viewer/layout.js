// Coordinates. Each box is laid out by dagre on its own, from the inside out, and then is a node of the box around it: as in
// frit's SVG pictures, which use the same library in Rust.

const TEXT = { line: 15, character: 6.65, head: 7.25, padding: 10, margin: 14, title: 24, longest: 40 };

const shorten = (text, most = TEXT.longest) => (text.length <= most ? text : text.slice(0, most - 1) + "…");

/** Visible entries: nodes and closed boxes are leaves, open boxes have `inside`. */
function visible(stage, open, entries = stage.entries, path = []) {
  const out = [];
  for (const e of entries) {
    const node = isBox(e) ? null : e;
    if (node !== null && INLINE.has(stage.part.nodes[node].op)) continue;
    const box = node === null ? e : stage.part.regionBox(node);
    const item = { entry: e, node, box, path: [...path, out.length], inside: null };
    if (box !== null && open.has(box)) item.inside = visible(stage, open, box.entries, item.path);
    out.push(item);
  }
  return out;
}

/** Pairs of leaves that are joined, each once. Nodes of a region are joined among themselves. */
function joined(stage, items) {
  const pairs = new Map();
  const scope = (list) => {
    const places = new Map(), numbers = [], regions = [];
    const put = (entry, item) => {
      if (isBox(entry)) for (const e of entry.entries) put(e, item);
      else {
        places.set(entry, item);
        numbers.push(entry);
      }
    };
    const walk = (list) => {
      for (const item of list) {
        if (item.node !== null) {
          put(item.node, item);
          if (item.inside) regions.push(item.inside);
        } else if (item.inside) walk(item.inside);
        else put(item.entry, item);
      }
    };
    walk(list);
    for (const n of numbers) {
      const to = places.get(n);
      for (const p of stage.inputs(n)) {
        const from = places.get(nodeOf(p));
        if (from === undefined || from === to) continue;
        const key = `${from.path.join()}>${to.path.join()}`;
        const pair = pairs.get(key);
        if (pair) pair.count++;
        else pairs.set(key, { from, to, count: 1 });
      }
    }
    regions.forEach(scope);
  };
  scope(items);
  return [...pairs.values()];
}

function arrange(items, path, edgesAt, measure) {
  const g = new dagre.graphlib.Graph();
  g.setGraph({ nodesep: 18, edgesep: 10, ranksep: 28 });
  g.setDefaultEdgeLabel(() => ({}));
  items.forEach((item, k) => {
    const size = measure(item);
    if (item.inside) {
      const inner = arrange(item.inside, item.path, edgesAt, measure);
      item.inner = inner;
      size.width = Math.max(size.width, inner.width + 2 * TEXT.margin);
      size.height = inner.height + TEXT.title + TEXT.margin;
    }
    g.setNode(String(k), size);
  });
  for (const [a, b] of edgesAt.get(path.join())?.values() ?? []) g.setEdge(String(a), String(b));
  dagre.layout(g);
  let width = 0, height = 0;
  items.forEach((item, k) => {
    const n = g.node(String(k));
    Object.assign(item, { dx: n.x - n.width / 2, dy: n.y - n.height / 2, width: n.width, height: n.height });
    width = Math.max(width, item.dx + n.width);
    height = Math.max(height, item.dy + n.height);
  });
  const bends = new Map(g.edges().map((e) => [`${e.v}>${e.w}`, g.edge(e).points.slice(1, -1)]));
  return { width, height, bends };
}

/** Gives every visible item `x`, `y`, `width`, `height`, and every edge `points`. */
function layoutStage(stage, open, measure) {
  const items = visible(stage, open);
  const edges = joined(stage, items);
  const edgesAt = new Map();
  for (const e of edges) {
    const [a, b] = [e.from.path, e.to.path];
    let n = 0;
    while (n < a.length && n < b.length && a[n] === b[n]) n++;
    e.depth = n;
    if (n === a.length || n === b.length) continue;
    const key = a.slice(0, n).join();
    if (!edgesAt.has(key)) edgesAt.set(key, new Map());
    edgesAt.get(key).set(`${a[n]}>${b[n]}`, [a[n], b[n]]);
  }
  const top = arrange(items, [], edgesAt, measure);
  const levels = new Map([["", { ...top, x: 0, y: 0 }]]);
  const all = [];
  const move = (list, x, y) => {
    for (const item of list) {
      item.x = x + item.dx;
      item.y = y + item.dy;
      all.push(item);
      if (item.inside) {
        const ix = item.x + (item.width - item.inner.width) / 2, iy = item.y + TEXT.title;
        levels.set(item.path.join(), { ...item.inner, x: ix, y: iy });
        move(item.inside, ix, iy);
      }
    }
  };
  move(items, 0, 0);
  for (const e of edges) {
    const { from, to, depth } = e;
    const level = levels.get(from.path.slice(0, depth).join());
    const start = [from.x + from.width / 2, from.y + from.height], end = [to.x + to.width / 2, to.y];
    const bends = (level?.bends.get(`${from.path[depth]}>${to.path[depth]}`) ?? []).map((p) => [p.x + level.x, p.y + level.y]);
    const between = start[1] < end[1] ? bends.filter((p) => p[1] > start[1] && p[1] < end[1]) : bends;
    e.points = [start, ...between, end];
  }
  return { items: all, edges: edges.filter((e) => e.points), width: top.width, height: top.height };
}

/** A curve that leaves and meets each point vertically. */
function curve(points) {
  let d = `M${points[0][0].toFixed(1)} ${points[0][1].toFixed(1)}`;
  for (let k = 1; k < points.length; k++) {
    const [x0, y0] = points[k - 1], [x1, y1] = points[k], y = ((y0 + y1) / 2).toFixed(1);
    d += `C${x0.toFixed(1)} ${y} ${x1.toFixed(1)} ${y} ${x1.toFixed(1)} ${y1.toFixed(1)}`;
  }
  return d;
}
