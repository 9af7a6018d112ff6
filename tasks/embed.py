"""Stage embed: the features of one slide's tiles. Only studies of level slide have it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tasks.artifacts.feature_set import FeatureDtype, FeatureSet
from tasks.artifacts.key import ArtifactKey
from tasks.artifacts.tile_set import TileSet
from tasks.embedding.slide import EmbeddingSettings, embed_slide
from tasks.interchange.imported import ImportJob, import_slide
from tasks.models.encoders.base import AnyEncoder
from tasks.models.encoders.colour_statistics import ColourStatistics
from tasks.plugins import modules_of
from tasks.slides.manifest import SlideRow
from tasks.slides.mirror import on_disk
from tasks.study.config import Section, StudyBase
from tasks.study.stage import BuildContext, Measures, Planned, Stage, required
from tasks.study.study import Study
from tasks.tile import tile_key
from tasks.tiling.recipe import TilingRecipe


class EmbedSection(Section):
    """Which encoder turns tiles into features, and how these are stored."""

    encoder: AnyEncoder = ColourStatistics()
    """The encoder, such as ``{name: resnet50, weights: resnet50.safetensors}``."""
    dtype: FeatureDtype = "float16"
    """How features are stored: ``float16`` keeps three digits at half the size."""


@dataclass(frozen=True)
class EmbedInputs:
    """The tiles of one slide."""

    tiles: TileSet = required()


class Embed(Stage[EmbedInputs]):
    """One FeatureSet per slide."""

    name = "embed"
    group = "tile"
    makes = FeatureSet
    section = EmbedSection
    asks_models = True
    tolerates_failures = True

    def plan(self, study: Study) -> Iterator[Planned]:
        """Yield the features of every slide, where models eat features."""
        if study.config.level != "slide":
            return
        section = study.section(EmbedSection)
        files = encoder_files(study.config)
        for row in study.slides:
            if row.features is not None:
                yield _imported(row, row.features, study)
                continue
            yield Planned(
                key=feature_key(row.slide_id),
                recipe={
                    "encoder": section.encoder.recipe(),
                    "dtype": section.dtype,
                    "device": study.device,
                    "label": row.label or "",
                    **({"tile_labels": False} if _is_weak(study, row) else {}),
                },
                modules=("tasks.embedding.slide", *modules_of(section.encoder)),
                inputs={"tiles": tile_key(row.slide_id)},
                files={name: f"sha256:{study.hashes[path]}" for name, path in files.items()},
            )

    def build(self, inputs: EmbedInputs, out: Path, context: BuildContext) -> Measures:
        """Encode the tiles."""
        study = context.study
        section = study.section(EmbedSection)
        row = study.row[str(context.key.slide)]
        label = row.label or ""
        if row.features is not None:
            job = ImportJob(study.data_root / row.features, label, section.dtype)
            with on_disk([job.file]):
                return import_slide(inputs.tiles, job, out)
        settings = EmbeddingSettings(
            section.dtype,
            study.config.resources.batch,
            context.device,
            self._digest(study),
            tile_labels=not _is_weak(study, row),
        )
        return embed_slide(inputs.tiles, label, section.encoder, settings, out, context.advance)

    def _digest(self, study: Study) -> str:
        """Return the sha256 that the weights had when the study was opened."""
        path = encoder_files(study.config).get("weights")
        return study.hashes[path] if path else ""


def _is_weak(study: Study, row: SlideRow) -> bool:
    """Return whether the tiles of a slide have nothing but its label, which is none of their own."""
    return row.is_weakly_labelled(study.section(TilingRecipe).classes[0])


def _imported(row: SlideRow, features: str, study: Study) -> Planned:
    """Return the features of a slide that others made; no encoder has a part in them."""
    return Planned(
        key=feature_key(row.slide_id),
        recipe={"imported": True, "dtype": study.section(EmbedSection).dtype, "label": row.label or ""},
        modules=("tasks.interchange.imported",),
        inputs={"tiles": tile_key(row.slide_id)},
        files={"features": f"sha256:{study.hashes[features]}"},
    )


def feature_key(slide: str) -> ArtifactKey:
    """Return the key of the features of ``slide``."""
    return ArtifactKey("embed", slide=slide)


def encoder_files(config: StudyBase) -> dict[str, str]:
    """Return the files of the encoder by what they are; none where models eat tiles."""
    if config.level != "slide":
        return {}
    return {name: str(path) for name, path in config.section(EmbedSection).encoder.files().items()}


def features_of(rows: Iterable[SlideRow]) -> dict[str, ArtifactKey]:
    """Return the keys of the features of ``rows``, by slide id."""
    return {row.slide_id: feature_key(row.slide_id) for row in rows}
