"""What a study explains, said before it runs: the halo and the sample of tiles."""

from tasks.explain import ExplainSection, halo_of
from tasks.study.study import Study
from tasks.tiling.recipe import TilingRecipe


def halo_in_words(study: Study) -> str:
    """Say which halo the study has and what it costs, or why there is none."""
    section, tile_px = study.section(ExplainSection), study.section(TilingRecipe).tile_px
    halo_px = max(halo_of(study, explainer) for explainer in section.everything)
    if halo_px:
        times = (tile_px + 2 * halo_px) ** 2 / tile_px**2
        return f"{halo_px} px around each explained tile of {tile_px} px, {times:.3g} times the pixels"
    if section.halo_px == "auto" and any(explainer.takes_halo for explainer in section.everything):
        return (
            "none, as train.recipe.network.module may take images of one size only; explain.halo_px sets one"
        )
    return "none"


def sample_in_words(study: Study) -> str:
    """Say how many tiles of a slide are explained."""
    if study.config.level == "slide":
        return "one value for each tile of each slide"
    most = study.section(ExplainSection).most_tiles
    if most is None:
        return "all tiles of each slide are explained"
    return f"at most {most} tiles of each slide are explained (explain.tiles_per_slide)"
