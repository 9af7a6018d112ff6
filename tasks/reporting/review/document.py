"""The page as one HTML file: data, styles, viewer library and scripts, all inlined."""

import base64
import hashlib
import html
from collections.abc import Sequence
from importlib.resources import files

_SCRIPTS = (
    "data.js", "words.js", "deep.js", "viewer.js", "panels.js", "tiles.js", "notes.js", "keys.js", "main.js",
)  # fmt: skip
_LIBRARY = "vendor/openseadragon.min.js"
_LICENCE = "vendor/openseadragon.LICENSE.txt"


def fixed_bytes(study: str) -> int:
    """Return the size in bytes of a page without slides, including ``study`` (JSON)."""
    return len(document("", study, []).encode())


def page_digest() -> str:
    """Return 16 hex digits that change with any inlined file, so that pages are rebuilt with a new design."""
    return hashlib.sha256(document("", "", []).encode()).hexdigest()[:16]


def document(title: str, study: str, slides: Sequence[str], *, served: bool = False) -> str:
    """Return the whole file.

    Its content security policy forbids any network access, and allows only the scripts of this file, by hash.

    Args:
        title: title of the browser tab; any text.
        study: JSON of the study data.
        slides: JSON of each slide.
        served: let it ask the server that it comes from, and no other, for slides and notes.
    """
    style = _own("page/review.css")
    scripts = [f"/*! {_own(_LICENCE).strip()} */\n{_own(_LIBRARY)}", *(_own(f"page/{n}") for n in _SCRIPTS)]
    parts = {
        "@policy@": _policy(style, scripts, " 'self'" if served else ""),
        "@title@": html.escape(title),
        # Without this mark the library adds its own styles, which the policy would refuse.
        "@style@": f'<style data-openseadragon-mobile-css="true">{style}</style>',
        "@scripts@": "\n".join(f"<script>{script}</script>" for script in scripts),
        "@data@": "\n".join(
            [_data("study", study), *(_data(f"slide-{i}", slide) for i, slide in enumerate(slides))]
        ),
    }
    page = _own("page/review.html")
    for mark, text in parts.items():
        before, _, after = page.partition(mark)
        page = before + text + after
    return page


def _data(name: str, text: str) -> str:
    """Return a JSON script element whose text cannot end it or be read as markup."""
    safe = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return f'<script type="application/json" id="{name}">{safe}</script>'


def _policy(style: str, scripts: Sequence[str], own: str) -> str:
    allowed = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    return (
        f"default-src 'none'; img-src data: blob:{own}; script-src {allowed}; "
        f"style-src 'sha256-{_digest(style)}'; base-uri 'none'; form-action 'none'"
        f"{f'; connect-src{own}' if own else ''}"
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _own(name: str) -> str:
    return files("tasks.reporting.review").joinpath(*name.split("/")).read_text(encoding="utf-8")
