"""Pictures of what is compiled: `f.visualize`."""

from __future__ import annotations

import linecache
import os

from . import _frit


class Picture:
    """What a function was compiled to, one part for each of its programs; shown by notebooks."""

    def __init__(self, name, parts):
        self.name = name
        self._picture = _frit.Picture(name, parts)
        for file in self._picture.files():
            # Of cells of a notebook, too.
            lines = linecache.getlines(file)
            if lines:
                self._picture.set_source(file, "".join(lines))

    def render(self, format: str) -> str:
        """The picture as text: `html`, `svg`, `dot`, `json`, `txt` or `mlir`."""
        return self._picture.render(format)

    def save(self, path) -> None:
        """Writes the picture in the format that the suffix asks for. Raises `ValueError` for another suffix."""
        suffix = os.path.splitext(os.fspath(path))[1][1:]
        if suffix not in _frit.PICTURES:
            known = ", ".join("." + s for s in _frit.PICTURES)
            raise ValueError(f"pictures are {known}, not {os.fspath(path)!r}")
        text = self.render(suffix)
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)

    def _repr_html_(self):
        page = self.render("html").replace("&", "&amp;").replace('"', "&quot;")
        style = "width:100%;height:42em;border:1px solid #8886;border-radius:6px"
        # Without the notebook's origin: the page needs its own script and nothing else.
        return f'<iframe srcdoc="{page}" sandbox="allow-scripts" title="{self.name}" style="{style}"></iframe>'

    def __repr__(self):
        return f"<frit.Picture of {self.name}>"
