"""The file is self-contained, accesses no network, and treats no text as markup."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

from tasks.reporting.review.budget import as_json
from tasks.reporting.review.document import document, fixed_bytes

HOSTILE = "</script><img src=x onerror=alert(1)><!--<script>&\u2028"


class Reader(HTMLParser):
    """Every tag with its attributes, and the text of every script and style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inside: list[tuple[dict[str, str | None], str]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.cdata_elem:
            self.inside.append((self.tags[-1][1], data))


def test_hostile_text_stays_text_and_comes_back_unchanged():
    page = document(HOSTILE, as_json({"study": HOSTILE}), [as_json({"why": HOSTILE})])
    read = Reader(page)
    assert "img" not in {tag for tag, _ in read.tags}
    data = {attributes["id"]: json.loads(text) for attributes, text in read.inside if "id" in attributes}
    assert data == {"study": {"study": HOSTILE}, "slide-0": {"why": HOSTILE}}


def test_nothing_is_fetched_and_only_this_files_scripts_may_run():
    page = document("t", "{}", [])
    read = Reader(page)
    assert not [attributes for _, attributes in read.tags if {"src", "href", "srcset"} & set(attributes)]
    policy = next(a["content"] for _, a in read.tags if a.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data: blob:"
    assert "unsafe" not in policy
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    allowed = {f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts}
    assert set(rules["script-src"].split()) == allowed
    assert len(scripts) == 10
    assert not re.search(r"\son\w+=", re.sub(r"<(script|style).*?</\1>", "", page, flags=re.DOTALL))


def test_the_library_comes_with_its_licence():
    page = document("t", "{}", [])
    assert "Redistributions of source code must retain the above copyright notice" in page
    assert "openseadragon 6.1.1" in page
    assert "sourceMappingURL" not in page


def test_the_fixed_size_is_that_of_a_page_without_slides():
    study = as_json({"study": "é"})
    assert fixed_bytes(study) == len(document("", study, []).encode())
