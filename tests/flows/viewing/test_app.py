"""What the viewer answers, and what it does not: other hosts, other sites, other slides, other files."""

import io
import json
from functools import partial

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from flows.viewing.app import address_of, viewer_app
from flows.viewing.listed import ListedStudy, list_study, listed_studies
from flows.viewing.notes import notes_file
from flows.viewing.serve import open_listed
from flows.viewing.viewed import ViewedStudy
from tasks.phantoms.generate import generate_cohort
from tasks.study.errors import UsageError
from tests._support.studies import COHORT, tiny_config
from tests._support.viewed_studies import make_viewed

OWN = "http://127.0.0.1:5080"
NOTE = {"id": "1", "text": "seen", "x": 1, "y": 2, "width": 3, "height": 4}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("viewed")
    return make_viewed(folder, tiny_config(generate_cohort(folder / "cohort", COHORT)), 4, 16)


@pytest.fixture(scope="module")
def client(study):
    def studies():
        return {known.name: partial(open_listed, study.home, known) for known in listed_studies(study.home)}

    return TestClient(viewer_app(studies, study.home), base_url=OWN)


def post(client, body, **headers):
    sent = {"origin": OWN, "content-type": "application/json", **headers}
    return client.post("/tiny/notes/0", content=body, headers={k: v for k, v in sent.items() if v})


def test_a_square_has_the_pixels_of_the_slide(client, study):
    found = client.get("/tiny/tiles/0/9/0_0.jpg")
    assert found.status_code == 200
    shown = np.asarray(Image.open(io.BytesIO(found.content))).astype(int)
    viewed = ViewedStudy(study)
    wanted = viewed.square(0, 9, 0, 0).astype(int)
    assert shown.shape == (352, 352, 3)
    assert np.abs(shown - wanted).mean() < 6


@pytest.mark.parametrize(
    "path",
    [
        "/tiny/tiles/0/10/0_0.jpg", "/tiny/tiles/0/9/1_0.jpg", "/tiny/tiles/9/9/0_0.jpg",
        "/tiny/tiles/0/9/-1_0.jpg", "/tiny/slides/9.json", "/tiny/slides/..%2f..%2fsalt",
        "/tiny/maps/0/0/9?rows=1", "/tiny/maps/0/0/0?rows=99999", "/tiny/maps/0/0/0",
        "/tiny/details/0/99999", "/tiny/notes/9", "/tiny/label", "/tiny/macro",
        "/tiny/../../etc/passwd", "/other/",
    ],
)  # fmt: skip
def test_what_is_no_part_of_the_study_is_not_there(client, path):
    assert client.get(path).status_code == 404


def test_other_hosts_and_other_sites_get_nothing(client):
    assert client.get("/tiny/", headers={"host": "evil.example"}).status_code == 403
    assert client.get("/tiny/", headers={"origin": "http://evil.example"}).status_code == 403
    assert post(client, json.dumps({"notes": [NOTE]}), origin="http://evil.example").status_code == 403
    assert post(client, json.dumps({"notes": [NOTE]}), origin="").status_code == 403


def test_answers_may_not_be_kept_framed_or_guessed(client):
    for path in ("/", "/tiny/", "/tiny/tiles/0/9/0_0.jpg", "/tiny/slides/0.json"):
        headers = client.get(path).headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"] == "frame-ancestors 'none'"
    page = client.get("/tiny/").text
    policy = page.partition('Content-Security-Policy" content="')[2].partition('"')[0]
    assert policy.startswith("default-src 'none'; img-src data: blob: 'self'; script-src 'sha256-")
    assert policy.endswith("connect-src 'self'")
    assert "unsafe" not in policy


def test_maps_are_those_of_the_tiles_that_have_one(client):
    told = client.get("/tiny/maps/0/1/0?rows=1")
    assert told.status_code == 404  # there is one model
    found = client.get("/tiny/maps/0/0/0?rows=0,4").json()
    assert found["side"] == 16
    assert set(found["maps"]) == {"0", "4"}
    assert found["maps"]["0"] != found["maps"]["4"]
    detail = client.get("/tiny/details/0/2").json()
    assert (detail["side"], detail["pairs"]) == (16, [[0, 0], [0, 1], [0, 2]])


def test_notes_are_kept_and_only_notes(client, study):
    assert client.get("/tiny/notes/0").json() == {"notes": []}
    assert post(client, json.dumps({"notes": [NOTE]})).json() == {"kept": 1}
    (kept,) = client.get("/tiny/notes/0").json()["notes"]
    assert kept["text"] == "seen"
    assert client.get("/tiny/notes/1").json() == {"notes": []}
    assert notes_file(study.home, "tiny", ViewedStudy(study).told["slides"][0]).is_file()
    for body, code in (
        ("no json", 422), (json.dumps({"notes": [{**NOTE, "width": 0}]}), 422),
        (json.dumps({"notes": [{**NOTE, "file": "x"}]}), 422), (b"x" * 1_000_001, 413),
    ):  # fmt: skip
        assert post(client, body).status_code == code
    assert post(client, "{}", **{"content-type": "text/plain"}).status_code == 415
    assert len(client.get("/tiny/notes/0").json()["notes"]) == 1
    assert post(client, json.dumps({"notes": []})).json() == {"kept": 0}


def test_studies_are_listed_and_names_are_only_names(client, tmp_path):
    assert '<a href="/tiny/">tiny</a>' in client.get("/").text
    assert address_of("a/b <c>") == "/a%2Fb%20%3Cc%3E/"
    assert client.get("/favicon.ico").status_code == 204
    assert client.get("/health").text == "ok"
    place = notes_file(tmp_path, "../x", "a/../b")
    assert place.parent.parent == tmp_path / "notes"
    assert ".." not in place.relative_to(tmp_path).parts
    assert notes_file(tmp_path, "a/b", "s") != notes_file(tmp_path, "a_b", "s")


def test_a_study_without_a_page_says_so(study, tmp_path):
    import shutil

    shutil.copytree(study.home.parent, tmp_path / "copy", ignore=shutil.ignore_patterns("ReviewPage"))
    (known,) = listed_studies(tmp_path / "copy" / "home")
    with pytest.raises(UsageError, match="no review page of study 'tiny' is stored yet"):
        open_listed(tmp_path / "copy" / "home", known)
    app = viewer_app(lambda: {"tiny": lambda: open_listed(tmp_path / "copy" / "home", known)}, tmp_path)
    answer = TestClient(app, base_url=OWN).get("/tiny/")
    assert (answer.status_code, "no review page" in answer.text) == (503, True)


def test_a_study_whose_file_is_gone_is_not_listed(tmp_path):
    (tmp_path / "a.yaml").write_text("x")
    list_study(tmp_path, ListedStudy("a", tmp_path / "a.yaml", tmp_path / "m.csv", None))
    list_study(tmp_path, ListedStudy("b", tmp_path / "b.yaml", tmp_path / "m.csv", tmp_path))
    assert [known.name for known in listed_studies(tmp_path)] == ["a"]
    (tmp_path / "b.yaml").write_text("x")
    assert listed_studies(tmp_path)[1] == ListedStudy("b", tmp_path / "b.yaml", tmp_path / "m.csv", tmp_path)
