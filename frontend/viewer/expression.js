// Sizes, bytes and operations: integers of any length, or expressions over the sizes of the program, as frit writes them:
// `2*i*n + 8*m - 1`, `floordiv(n, 4)`, `mod(a, b)`, `min(a, b)`, `max(a, b)`.

const floorDivide = (a, b) => {
  if (b === 0n) return 0n;
  const q = a / b;
  return a % b !== 0n && (a < 0n) !== (b < 0n) ? q - 1n : q;
};
const FUNCTIONS = {
  floordiv: floorDivide,
  mod: (a, b) => (b === 0n ? 0n : a - floorDivide(a, b) * b),
  min: (a, b) => (a < b ? a : b),
  max: (a, b) => (a > b ? a : b),
};

/** A function from sizes (a `Map` of `BigInt`s by name) to the value of an expression. */
function parseExpression(text) {
  const tokens = text.match(/\d+|[^\s\d*+\-(),][^\s*+\-(),]*|[*+\-(),]/g) || [];
  let at = 0;
  const fail = () => { throw new Error(`not an expression: ${text}`); };
  const expect = (t) => { if (tokens[at++] !== t) fail(); };
  function sum() {
    let left = tokens[at] === "-" ? (at++, negated(product())) : product();
    while (tokens[at] === "+" || tokens[at] === "-") {
      const [minus, a] = [tokens[at++] === "-", left];
      const b = product();
      left = minus ? (env) => a(env) - b(env) : (env) => a(env) + b(env);
    }
    return left;
  }
  const negated = (f) => (env) => -f(env);
  function product() {
    let left = atom();
    while (tokens[at] === "*") {
      at++;
      const [a, b] = [left, atom()];
      left = (env) => a(env) * b(env);
    }
    return left;
  }
  function atom() {
    const t = tokens[at++];
    if (t === undefined) fail();
    if (/^\d/.test(t)) {
      const value = BigInt(t);
      return () => value;
    }
    if (Object.hasOwn(FUNCTIONS, t) && tokens[at] === "(") {
      at++;
      const a = sum();
      expect(",");
      const b = sum();
      expect(")");
      const f = FUNCTIONS[t];
      return (env) => f(a(env), b(env));
    }
    return (env) => {
      const value = env.get(t);
      if (value === undefined) throw new Error(`no size ${t}`);
      return value;
    };
  }
  const whole = sum();
  if (at !== tokens.length) fail();
  return whole;
}

const expressions = new Map();

/** The value of an expression, a `BigInt`, or null for none (`undefined` text, or a size without a value). */
function evaluate(text, env) {
  if (text === undefined || text === null) return null;
  let f = expressions.get(text);
  if (f === undefined) expressions.set(text, (f = parseExpression(text)));
  try {
    return f(env);
  } catch {
    return null;
  }
}

/** Three significant digits and the unit of the magnitude, as `ir/src/units.rs` writes them. */
function scaled(value, step, units) {
  if (value === null) return "?";
  let x = Number(value), k = 0;
  while (Math.abs(x) >= step - (k && 0.5) && k + 1 < units.length) (x /= step), k++;
  return `${k === 0 ? x : Number(x.toFixed(x < 9.995 ? 2 : x < 99.95 ? 1 : 0))} ${units[k]}`;
}
const several = (n, what) => `${n} ${what}${n === 1 ? "" : "s"}`;
const showBytes = (v) => scaled(v, 1024, ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB"]);
/** As reports write them: `1.5 us`. */
const showSeconds = (s) => {
  const [scale, unit] = s < 1e-6 ? [1e9, "ns"] : s < 1e-3 ? [1e6, "us"] : s < 1 ? [1e3, "ms"] : [1, "s"];
  return `${(s * scale).toFixed(s * scale < 10 ? 1 : 0)} ${unit}`;
};
const showFlops = (v) => scaled(v, 1000, ["FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP", "EFLOP"]);
