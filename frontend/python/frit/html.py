"""How reports and stages look in a notebook: small, without scripts, and with every text escaped."""

from __future__ import annotations

from ._frit import human_bytes

_STYLE = (
    "border:1px solid #8886;border-radius:6px;padding:.6em .8em;"
    "max-width:70em;font:13px/1.45 system-ui,sans-serif"
)
_PRE = "margin:.3em 0 0;max-height:28em;overflow:auto;font:12px/1.4 ui-monospace,monospace;text-align:left"
_CELL = "text-align:left;vertical-align:top;padding:.1em .8em .1em 0"


class Text(str):
    """Text of a stage, in a notebook as such."""

    __slots__ = ()

    def _repr_html_(self):
        return preformatted(self)


def size(n):
    """Bytes for people: `1.5 KiB`, or an expression in sizes."""
    return human_bytes(n) if isinstance(n, int) else f"{n} bytes"


def escape(text):
    # `html.escape` would load tables of all entities when frit is imported.
    return str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def several(n, one, rest=""):
    """`1 call of NumPy`, `2 calls of NumPy`"""
    return f"{n} {one}{'' if n == 1 else 's'}{rest}"


def preformatted(text):
    return f'<pre style="{_PRE}">{escape(text)}</pre>'


def table(head, rows):
    """Rows of cells, as text."""
    if not rows:
        return ""
    cells = lambda tag, row: "".join(f'<{tag} style="{_CELL}">{escape(c)}</{tag}>' for c in row)  # noqa: E731
    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f'<table style="border:0;margin:.4em 0"><tr>{cells("th", head)}</tr>{body}</table>'


def columns(rows, right):
    """Lines of text of rows of cells; `right`: as many columns as it has letters stand to the right."""
    widths = [max(len(r[k]) for r in rows) for k in range(len(rows[0]))]
    return ["  ".join(c.rjust(w) if k < len(right) else c.ljust(w) for k, (c, w) in enumerate(zip(r, widths))).rstrip() for r in rows]


def lines(texts):
    return "".join(f"<div>{escape(t)}</div>" for t in texts)


def details(summary, body):
    return f"<details><summary>{escape(summary)}</summary>{body}</details>" if body else ""


def box(head, line, body):
    """A head, a line of text, and what is HTML already."""
    line = f"<div>{escape(line)}</div>" if line else ""
    return f'<div style="{_STYLE}"><strong>{escape(head)}</strong>{line}{body}</div>'


def report(r):
    """A `Report`."""
    state = "compiled" if r.compiled else "compiled in part" if r.segments else "not compiled"
    out = [f"<strong>{escape(r.name)}</strong> · {state} · {several(r.signatures, 'signature')} traced"]
    if r.reason:
        out.append(lines([r.reason]))
    if r.retraced:
        out.append(lines([f"traced again: {'; '.join(r.retraced)}"]))
    if r.segments:
        told, m = r.need()
        out.append(lines(told))
        if m is not None:
            head, *held = m.rows()
            out.append(details("memory at the peak", table(head, held)))
    if r.captured:
        rows = [(dtype, list(shape), size(n)) for dtype, shape, n in r.captured]
        out.append(details(several(len(rows), "array", " from outside"), table(("type", "shape", "bytes"), rows)))
    rows = [(f"{file}:{line}", f"{name}: {why or 'part of the compiled path'}", size(n)) for file, line, _, name, n, why in r.calls]
    out.append(details(several(len(rows), "call", " of NumPy"), table(("line", "function", "bytes"), rows)))
    rows = [(f"{file}:{line}", why) for file, line, _, why in r.cuts]
    out.append(details(several(len(rows), "decision", " of Python"), table(("line", "what"), rows)))
    out.append(details(several(len(r.rules), "rewriting rule"), table(("rule", "math", "times", "saves"), [(w.name, w.math, w.count, f"{w.seconds * 1e6:.1f} us") for w in r.rewrites])))
    for k, s in enumerate(r.segments):
        out.append(details(f"program {k + 1}: {several(s.program.kernels(), 'kernel')}", preformatted(str(s.program))))
    return f'<div style="{_STYLE}">' + "".join(out) + "</div>"
