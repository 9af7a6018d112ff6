"""The section on maps over seeds."""

import math

from tasks.comparison.analyses.maps_over_seeds import MapsOverSeeds
from tasks.statistics.printing import interval, number, table

_HEAD = ("arm", "explainer", "slides", "rank correlation", "shared of the highest 10%", "by chance")


def seeds_section(found: MapsOverSeeds | None) -> list[str]:
    """Return the section on maps over seeds. Empty where no arm has two seeds with maps of slides."""
    if found is None:
        return []
    words = (
        "The same training with another seed gives another network, and its maps are compared with the "
        "first ones, slide by slide: rank correlation over the tiles, 0 by chance, and the part of the "
        "highest 10% of tiles that both have. A map that does not survive another seed explains the seed. "
        f"Means over pairs of seeds and slides; intervals are {found.note} and hold for these networks. A "
        "dash: all tiles of a slide have the same value. All pairs are in `map_agreement.parquet`."
    )
    body = [
        (
            row.arm,
            row.explainer,
            str(row.slides),
            "-" if math.isnan(row.spearman[0]) else interval(*row.spearman),
            "-" if math.isnan(row.spearman[0]) else interval(*row.overlap),
            number(row.chance),
        )
        for row in found.rows
    ]
    return ["## Do maps survive another seed?", "", words, "", *table(_HEAD, body)]
