"""The page in a browser as a person uses it: from disk, with mouse and keys, and in a sandboxed frame."""

import base64
import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tasks.artifacts.faithfulness_report import INFO, FaithfulnessReport
from tasks.reporting.review.write import PAGE, write_review
from tests._support.browser import browser
from tests._support.review_jobs import HOSTILE, WHY, make_review, score_rows, write_report

pytestmark = pytest.mark.browser
WIDE, TABLET = (1280, 800), (820, 1180)
MAP = "(Review.pane.map || document.createElement('canvas'))"
SHOWN = "document.body.dataset.shown"


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    write_review(make_review(tmp_path_factory.mktemp("review")), folder)
    return folder / PAGE


@pytest.fixture(scope="module")
def running():
    with browser() as found:
        yield found


@pytest.fixture
def page(running, path):
    """The page, newly opened from disk. The browser must report no error in the end."""
    show(running, path.as_uri())
    yield running
    assert running.complaints == []
    assert {address.partition(":")[0] for address in running.requests} <= {"file", "data", "about", "blob"}


def show(page, address: str, size: tuple[int, int] = WIDE) -> None:
    page.complaints.clear()
    page.requests.clear()
    page.open("about:blank")
    page.open(address, *size)
    page.wait(f"document.body && {SHOWN} || false")


def choose(page, name: str, words: str) -> None:
    """Select the option with these words, as a person would."""
    said = page.get(SHOWN)
    page.get(
        f"""(() => {{ const all = document.getElementById('{name}');
        all.value = [...all.options].find(o => o.textContent === {words!r}).value;
        all.dispatchEvent(new Event('change', {{ bubbles: true }})); }})()"""
    )
    page.wait(f"{SHOWN} !== '{said}'")


def score(page, name: str = "deletion.gap") -> str:
    return page.get(f"document.querySelector('[data-score=\"{name}\"] .value').textContent")


def overlay(page) -> np.ndarray:
    """RGBA of the map over the slide."""
    data = page.get(f"{MAP}.toDataURL()").partition(",")[2]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


def tile_point(page, row: int) -> tuple[float, float]:
    """Screen position of the centre of a tile of the synthetic slide (32 level-0 pixels, 5 per row)."""
    left, top, scale = page.get(
        "(() => { const pane = document.querySelector('#viewer .openseadragon-canvas'); "
        "const box = pane.getBoundingClientRect(), at = Review.pane.place(); "
        "return [box.x + at.left, box.y + at.top, at.scale]; })()"
    )
    return left + (row % 5 + 0.5) * 32 * scale, top + (row // 5 + 0.5) * 32 * scale


def drawn(page) -> str:
    """What lies over the slide: map, outlines, tiles."""
    return page.get("Review.pane.canvas.toDataURL()")


def set_value(page, name: str, value: int, event: str) -> None:
    """Set a control and notify the page, as the browser does when a person moves it."""
    page.get(
        f"(() => {{ const own = document.getElementById('{name}'); own.value = {value}; "
        f"own.dispatchEvent(new Event('{event}')); }})()"
    )


def focused(page) -> str:
    return page.get(
        "document.activeElement.id || document.activeElement.className || document.activeElement.tagName"
    )


def test_the_page_says_what_it_shows(page):
    assert page.get("document.title") == f"study {HOSTILE}: review"
    assert page.get("document.getElementById('title').textContent") == f"study {HOSTILE}"
    assert score(page).startswith("0.487 [")
    assert page.get("window.broken") is None
    assert page.get("document.querySelectorAll('img').length") == 0
    assert "clustered by section (8), conditional on this 1 patient" in page.get(
        "document.getElementById('score-said').textContent"
    )
    assert page.get("document.getElementById('legend-ticks').textContent").count("0") >= 3


def test_arm_seed_slide_and_explainer_change_scores_and_map(page):
    first = overlay(page)
    choose(page, "seed", "seed 1")
    assert score(page).startswith("1.488")
    choose(page, "arm", HOSTILE)
    assert score(page).startswith("3.487 [")
    assert np.array_equal(overlay(page), first)
    choose(page, "explainer", "random_map")
    assert score(page).startswith("9.488")
    assert not np.array_equal(overlay(page), first)
    choose(page, "slide", "s2")
    assert "s2" in page.get("document.getElementById('judged').textContent")


def test_the_map_has_the_colours_of_the_drawings(page):
    shown = overlay(page).astype(int)
    height, width = shown.shape[:2]
    # Tile 39 is strongly positive above and negative below: red, then blue; tile 0 is zero: see-through.
    x = round(4.5 * 32 / 200 * width)
    above, below = shown[round((7 * 32 + 8) / 300 * height), x], shown[round((7 * 32 + 24) / 300 * height), x]
    assert above[0] > above[2] + 50
    assert below[2] > below[0] + 50
    assert shown[round(16 / 300 * height), round(16 / 200 * width), 3] < 10
    assert shown[-3, -3, 3] == 0


def test_a_control_that_does_better_is_named(page):
    words = page.get("document.querySelector('[data-score=\"deletion.gap\"]').textContent")
    assert "control random_map 9.488: behind, difference \N{MINUS SIGN}9.000" in words
    choose(page, "explainer", "random_map")
    assert "control" not in page.get("document.querySelector('[data-score=\"deletion.gap\"]').textContent")


def test_a_control_that_follows_a_network_is_no_rival_where_that_is_asked(running, tmp_path):
    """The better control holds an explainer, and the metric counts only controls that see no network."""
    job = make_review(tmp_path / "review")
    for report in job.reports.values():
        info = report.info.model_copy(update={"rivals": "blind"})
        (report.folder / INFO).write_text(info.model_dump_json(), encoding="utf-8")
    reports = {key: FaithfulnessReport(report.folder) for key, report in job.reports.items()}
    explainers = tuple(replace(known, is_blind=False) for known in job.explainers)
    write_review(replace(job, reports=reports, explainers=explainers), tmp_path)
    show(running, (tmp_path / PAGE).as_uri())
    words = running.get("document.querySelector('[data-score=\"deletion.gap\"]').textContent")
    assert "0.487" in words
    assert "control" not in words
    assert "only controls that see no network count" in running.get("document.body.textContent")
    assert running.complaints == []


def test_of_many_scores_one_a_metric_stands_open_and_the_others_are_folded(running, tmp_path):
    job = make_review(tmp_path / "review")
    names = [f"part{number:02}" for number in range(12)]
    reports = dict(job.reports)
    for number, (model, explainer, _) in enumerate(dict.fromkeys((*key[:2], "") for key in job.reports)):
        rows = pd.concat(
            [score_rows(slide, dict.fromkeys(names, np.arange(40) / 40)) for slide in job.slides]
        )
        report = write_report(tmp_path / f"many{number}", rows, dict.fromkeys(names, "higher"))
        reports[model, explainer, "road"] = report
    write_review(replace(job, reports=reports), tmp_path)
    show(running, (tmp_path / PAGE).as_uri())
    seen = "checkVisibility()"
    heights = {
        name: running.get(f"document.querySelector('[data-score=\"{name}\"]').{seen}")
        for name in ("deletion.gap", "deletion.size", "road.part00", "road.part01", "road.part11")
    }
    assert [name for name, visible in heights.items() if visible] == ["deletion.gap", "road.part00"]
    running.get("document.querySelector('[data-metric=road] summary').click()")
    running.get("document.querySelector('[data-score=\"road.part11\"] input').click()")
    assert running.get(f"document.querySelector('[data-score=\"road.part11\"]').{seen}")
    assert "road part11" in running.get("document.getElementById('score-said').textContent")
    assert running.complaints == []


def test_a_missing_map_says_why(page):
    choose(page, "arm", HOSTILE)
    choose(page, "seed", "seed 1")
    choose(page, "slide", "s2")
    assert page.get("document.getElementById('status').textContent") == f"Not available: {WHY}."
    assert overlay(page).max() == 0
    assert WHY in page.get("document.getElementById('failed').textContent")


def test_opacity_contrast_and_outlines(page):
    def look(script):
        return page.get(script)

    before = overlay(page)
    set_value(page, "opacity", 25, "input")
    assert look("Review.pane.opacity") == 0.25
    assert look("document.getElementById('opacity-said').textContent") == "25 %"
    set_value(page, "gain", 4, "change")
    page.wait("document.getElementById('legend-said').textContent.includes('contrast 4')")
    assert overlay(page)[..., 3].sum() > 1.5 * before[..., 3].sum()
    for name in ("annotation", "artefact", "grid"):
        was = drawn(page)
        look(f"document.getElementById('outline-{name}').click()")
        page.wait(f"Review.pane.canvas.toDataURL() !== {was!r}")
    choose(page, "slide", "s2")
    assert look("document.getElementById('outline-artefact').disabled")


def test_layers_are_attribution_probability_and_nothing(page):
    attribution = overlay(page)
    page.get("document.querySelector('[name=layer][value=probability]').click()")
    page.wait(f"{SHOWN}.endsWith('probability')")
    assert overlay(page)[..., 3].max() == 255
    assert not np.array_equal(overlay(page), attribution)
    assert "not rescaled" in page.get("document.getElementById('legend-said').textContent")
    page.get("document.querySelector('[name=layer][value=none]').click()")
    page.wait(f"{SHOWN}.endsWith('none')")
    assert overlay(page).max() == 0
    assert page.get("document.getElementById('viewer').classList.contains('greyed')") is False


def test_a_click_on_a_tile_opens_its_maps_side_by_side(page):
    page.click(*tile_point(page, 13))
    page.wait(
        "!document.getElementById('tile').hidden "
        "&& document.querySelectorAll('#tile-all td button').length == 4"
    )
    assert page.get("document.getElementById('tile-title').textContent") == "Tile s1/96_64"
    assert "Label: tumour" in page.get("document.getElementById('tile-facts').textContent")
    cells = page.get("[...document.querySelectorAll('#tile-all td button')].map(b => b.textContent)")
    assert cells == ["0.325", "9.325", "2.325", "9.325"]
    heads = page.get("[...document.querySelectorAll('#tile-all tbody th')].map(h => h.textContent)")
    wanted = 1 / (1 + np.exp(-np.linspace(-2, 2, 40)[13]))
    assert heads[0] == f"standardp(tumour) {wanted:.3f}"
    assert "Maps of 16 \N{MULTIPLICATION SIGN} 16 pixels" in page.get(
        "document.getElementById('tile-said').textContent"
    )
    page.get("document.querySelectorAll('#tile-all td button')[3].click()")
    page.wait(f"{SHOWN}.startsWith('0,2,1')")
    assert page.get("document.getElementById('explainer').selectedOptions[0].textContent") == "random_map"
    page.get("document.getElementById('tile-close').click()")
    page.wait("document.getElementById('tile').hidden")


def test_the_lists_hold_the_most_and_the_least_faithful_tiles(page):
    words = page.get("[...document.querySelectorAll('#lists button')].map(b => b.textContent)")
    assert words == [f"{i / 40:.3f}" for i in (39, 38, 37, 36, 35, 34, 0, 1, 2, 3, 4, 5)]
    page.get("document.querySelectorAll('#lists button')[6].click()")
    page.wait("document.getElementById('tile-title').textContent === 'Tile s1/0_0'")
    assert page.get("document.querySelectorAll('#lists button')[6].getAttribute('aria-current')") == "true"


def test_keys_alone_are_enough(page):
    reached = []
    for _ in range(60):
        page.press("Tab", 9)
        reached.append(focused(page))
        if len(reached) > 1 and reached[-1] == reached[0]:
            break
    for name in ("slide", "arm", "seed", "explainer", "opacity", "gain", "outline-annotation", "zoom-in"):
        assert name in reached, f"{name} cannot be reached by Tab; reached: {reached}"
    assert "openseadragon-canvas" in reached
    page.get("document.querySelector('.openseadragon-canvas').focus()")
    page.press("Enter", 13, "\r")
    page.wait("!document.getElementById('tile').hidden")
    page.get("document.querySelector('#lists button').focus()")
    page.press("ArrowRight", 39)
    assert page.get("document.activeElement.textContent") == "0.950"
    page.press("Enter", 13, "\r")
    page.wait("document.getElementById('tile-title').textContent.endsWith('96_224')")
    page.get("document.getElementById('tile-close').focus()")
    page.press("Escape", 27)
    page.wait("document.getElementById('tile').hidden")
    assert focused(page) == "openseadragon-canvas"


def test_everything_that_can_be_reached_has_a_name(page):
    page.click(*tile_point(page, 13))
    page.wait("document.querySelectorAll('#tile-all td button').length == 4")
    roles = {"button", "combobox", "slider", "radio", "checkbox", "application", "DisclosureTriangle"}
    found = [
        (node["role"]["value"], node["name"]["value"])
        for node in page.send("Accessibility.getFullAXTree")["nodes"]
        if not node["ignored"] and node["role"]["value"] in roles
    ]
    assert {role for role, _ in found} == roles
    assert [role for role, name in found if not name.strip()] == []


def test_outlines_are_drawn_on_the_open_tile_too(page):
    page.click(*tile_point(page, 13))
    page.wait("document.querySelectorAll('#tile-all td button').length == 4")
    picture = "document.getElementById('tile-tissue').toDataURL()"
    outlined = page.get(picture)
    page.get("document.getElementById('outline-artefact').click()")
    page.wait(f"{picture} !== {outlined!r}")


def test_letters_do_not_turn_or_mirror_the_slide(page):
    page.get("document.querySelector('.openseadragon-canvas').focus()")
    before = page.get("Review.pane.place()")
    for key, code in (("r", 82), ("f", 70)):
        page.press(key, code, key)
    assert page.get("Review.pane.place()") == pytest.approx(before)
    assert "rotate" not in page.get("document.querySelector('.openseadragon-container').innerHTML").replace(
        "rotate(0deg)", ""
    )


def test_the_map_stays_on_the_tissue_when_one_zooms(page):
    page.get("document.getElementById('grey').click()")
    page.get("document.getElementById('zoom-in').click()")
    page.wait("Review.pane.place().scale * 300 > 750")
    shown, placed = page.get(
        "(() => { const image = Review.pane.osd.world.getItemAt(0), at = Review.pane.place(); "
        "const from = image.imageToViewerElementCoordinates(new OpenSeadragon.Point(0, 0)); "
        "return [[from.x, from.y], [at.left, at.top]]; })()"
    )
    assert placed == pytest.approx(shown, abs=1.5)


def test_the_address_says_what_is_shown_and_brings_it_back(page, path):
    choose(page, "seed", "seed 1")
    page.click(*tile_point(page, 7))
    page.wait("location.hash.includes('tile=')")
    address = page.get("location.href")
    show(page, address)
    assert page.get("document.getElementById('seed').selectedOptions[0].textContent") == "seed 1"
    page.wait("document.getElementById('tile-title').textContent === 'Tile s1/64_32'")
    show(page, f"{path.as_uri()}#slide=nowhere&arm=none&tile=x&layer=y")
    assert page.get(SHOWN) == "0,0,0,attribution"


@pytest.mark.parametrize("size", [WIDE, TABLET], ids=["1280", "tablet"])
def test_nothing_is_cut_off_on_either_screen(page, path, size):
    show(page, path.as_uri(), size)
    assert page.get("document.documentElement.scrollWidth") <= size[0]
    assert page.get("document.getElementById('viewer').getBoundingClientRect().height") > 300
    assert page.get("document.getElementById('viewer').getBoundingClientRect().width") > 600
    cut = page.get(
        "[...document.querySelectorAll('button, select')]"
        ".filter(e => e.offsetParent && e.scrollWidth > e.clientWidth + 1).map(e => e.id)"
    )
    assert cut == []


def test_it_works_in_a_sandboxed_frame(running, path, tmp_path):
    """As in MLflow: no origin, no storage, no access to the surrounding page."""
    frame = tmp_path / "frame.html"
    frame.write_text(
        f'<iframe sandbox="allow-scripts" style="width:1200px;height:760px" src="{path.as_uri()}"></iframe>'
    )
    running.complaints.clear()
    running.open("about:blank")
    running.open(frame.as_uri())
    running.wait("document.querySelector('iframe') !== null")
    shown = tmp_path / "frame.png"
    for _ in range(100):
        running.picture(shown)
        pixels = np.asarray(Image.open(shown).convert("RGB")).astype(int)
        red = (pixels[..., 0] > pixels[..., 2] + 60) & (pixels[..., 1] < 120)
        if red[100:600, 260:850].sum() > 500:
            break
    else:
        pytest.fail(f"the frame shows no map; complaints: {running.complaints}")
    assert running.complaints == []
