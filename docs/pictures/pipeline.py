"""Draw the picture of the pipeline for README.md, in light and in dark colours.

Run ``python docs/pictures/pipeline.py``; it writes ``pipeline_light.svg`` and ``pipeline_dark.svg``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

WIDTH, HEIGHT = 900, 562
CARD_W, CARD_H, PAD, HEAD = 136, 76, 12, 30

THEMES = {
    "light": {
        "page": "#ffffff", "card": "#ffffff", "line": "#6e7781", "text": "#1f2328", "soft": "#57606a",
        "tile": "#d8ecfb", "train": "#fdebc8", "explain": "#d5f2dc", "evaluate": "#f9dce8",
        "compare": "#e6dcfb", "record": "#e3e7ec",
    },
    "dark": {
        "page": "#0d1117", "card": "#161b22", "line": "#9ea7b3", "text": "#e6edf3", "soft": "#a8b1bc",
        "tile": "#12395c", "train": "#4a360c", "explain": "#14472a", "evaluate": "#53213b",
        "compare": "#3a2a68", "record": "#353c46",
    },
}  # fmt: skip


@dataclass(frozen=True)
class Card:
    """One stage: its name, the artifact that it makes, what there is one of them per, column and row."""

    stage: str
    makes: str
    per: tuple[str, ...]
    column: int = 0
    row: int = 0


@dataclass(frozen=True)
class Group:
    """Stages that belong together: left and top edge, size and gap between columns, in pixels."""

    name: str
    left: int
    top: int
    width: int
    height: int
    gap: int
    cards: Sequence[Card]

    def corner(self, card: Card) -> tuple[int, int]:
        """Return the left and top edge of ``card``."""
        left = self.left + PAD + card.column * (CARD_W + self.gap)
        return left, self.top + HEAD + card.row * (CARD_H + 26)


GROUPS = (
    Group("tile", 10, 115, 160, 118, 0, [Card("tile", "TileSet", ("one per slide",))]),
    Group("train", 211, 10, 160, 223, 0, [
        Card("dose", "Dose", ("one per arm with a", "searched strength")),
        Card("train", "Checkpoint", ("one per model:", "arm, fold, seed"), 0, 1),
    ]),
    Group("explain", 412, 10, 478, 325, 23, [
        Card("predict", "Predictions", ("one per model",)),
        Card("calibrate", "Calibration", ("one per model and", "search for noise"), 1),
        Card("explain", "Attributions", ("one per model,", "explainer and slide"), 2),
        Card("exemplify", "ExemplarSet", ("one per model", "and method"), 0, 1),
        Card("surround", "SurroundedTiles", ("one per slide,", "for the halo"), 1, 1),
        Card("scale", "ColourScale", ("one per explainer",), 2, 1),
        Card("draw", "Heatmaps", ("one per explainer", "and slide"), 2, 2),
    ]),
    Group("evaluate", 10, 393, 308, 118, 12, [
        Card("evaluate", "FaithfulnessReport", ("one per model,", "explainer and metric")),
        Card("measure", "FaithfulnessReport", ("one per model", "and model metric"), 1),
    ]),
    Group("compare", 367, 393, 314, 118, 18, [
        Card("compare", "Comparison", ("one per study",)),
        Card("review", "ReviewPage", ("one per study",), 1),
    ]),
    Group("record", 730, 393, 160, 118, 0, [Card("record", "Recording", ("one per study,", "in MLflow"))]),
)  # fmt: skip

ARROWS = (
    "90,68 90,112", "170,174 207,174", "371,174 408,174", "291,116 291,138",  # input to explain, dose
    "719,78 739,78", "719,180 730,180 730,95 739,95",  # calibrate, surround, explain
    "808,116 808,138", "808,218 808,240",  # explain, scale, draw
    "651,335 651,364 164,364 164,389", "318,452 363,452", "515,458 531,458",
    "681,452 726,452",  # evaluate, compare, review, record
)  # fmt: skip


def text(x: float, y: float, words: str, style: str) -> str:
    """Return one line of text."""
    return f'<text x="{x:g}" y="{y:g}" class="{style}">{words}</text>'


def box(corner: tuple[int, int], width: int, height: int, style: str) -> str:
    """Return a box with round corners."""
    x, y = corner
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="8" class="{style}"/>'


def drawn(group: Group) -> list[str]:
    """Return the box of a group with its cards."""
    lines = [
        box((group.left, group.top), group.width, group.height, f"group {group.name}"),
        text(group.left + PAD, group.top + 20, group.name.upper(), "head"),
    ]
    for card in group.cards:
        x, y = group.corner(card)
        lines += [
            box((x, y), CARD_W, CARD_H, "card"),
            text(x + 9, y + 20, card.stage, "stage"),
            text(x + 9, y + 38, card.makes, "makes"),
            *(text(x + 9, y + 54 + 13 * i, words, "per") for i, words in enumerate(card.per)),
        ]
    return lines


def style(colours: dict[str, str]) -> str:
    """Return the style sheet of one theme."""
    groups = "".join(f".{group.name}{{fill:{colours[group.name]}}}" for group in GROUPS)
    return (
        "<style>text{font-family:'Segoe UI',Helvetica,Arial,sans-serif;fill:" + colours["text"] + "}"
        ".head{font-size:12px;font-weight:600;letter-spacing:.08em}"
        ".stage{font-size:14px;font-weight:600;font-family:ui-monospace,Menlo,Consolas,monospace}"
        ".makes{font-size:12.5px}"
        f".per,.note{{font-size:11.5px;fill:{colours['soft']}}}"
        f".card{{fill:{colours['card']};stroke:none}}"
        f".input{{fill:none;stroke:{colours['line']};stroke-dasharray:4 3}}"
        f".flow{{fill:none;stroke:{colours['line']};stroke-width:1.6}}"
        f".tip{{fill:{colours['line']}}}{groups}</style>"
    )


def picture(colours: dict[str, str]) -> str:
    """Return the whole SVG."""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" role="img" aria-label="The stages of a study and the artifacts that they make">',
        style(colours),
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0 0 8 4 0 8Z" class="tip"/></marker></defs>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{colours["page"]}"/>',
        box((10, 18), 361, 50, "input"),
        text(22, 38, "You bring", "makes"),
        text(22, 56, "slides (or phantoms), a manifest (CSV), a study file (YAML)", "note"),
        *(line for group in GROUPS for line in drawn(group)),
        *(f'<polyline points="{points}" class="flow" marker-end="url(#tip)"/>' for points in ARROWS),
        text(
            10,
            534,
            "A card is a stage and the artifact that it makes. An artifact is stored once and reused.",
            "note",
        ),
        text(
            10,
            551,
            "Controls are maps that see no trained model. They are scored like every explanation.",
            "note",
        ),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    for theme, colours in THEMES.items():
        path = Path(__file__).parent / f"pipeline_{theme}.svg"
        path.write_text(picture(colours), encoding="utf-8")
