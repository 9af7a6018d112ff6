"""The commands for what others made and what others read; every heavy import is inside a command."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from flows.environment import prepare
from flows.options import ConfigArg, HomeOption, Names, RootOption, out

interchange = typer.Typer(no_args_is_help=True)

OutOption = Annotated[Path, typer.Option("--out", help="The folder to write into.")]


@interchange.command()
def coordinates(
    config: ConfigArg,
    folder: Annotated[Path, typer.Argument(help="Where the files go, one per slide.")],
    layout: Annotated[str, typer.Option(help="Whose files: clam or trident.")] = "trident",
    slide: Names = None,
    home: HomeOption = Path(".veritile"),
    data_root: RootOption = None,
) -> None:
    """Write where the tiles of a study lie, as HDF5 files that CLAM and TRIDENT read."""
    prepare(home)
    from flows.commands.coordinates import coordinates
    from flows.commands.target import Target, selected

    selection = selected(None, None, slide, None, None, None)
    coordinates(Target(config, home, data_root, selection=selection), folder, layout, out)


@interchange.command("tile-lists")
def tile_lists(
    table: Annotated[Path, typer.Argument(help="CSV or TSV, one row per image.")],
    images: Annotated[Path, typer.Option(help="The folder or zip archive that holds the images.")],
    folder: OutOption,
    mpp: Annotated[float, typer.Option(min=0, help="Micrometres per pixel of the images.")],
    columns: Annotated[str, typer.Option(help="Such as image=file,patient=patient_id.")] = "",
    labels: Annotated[str, typer.Option(help="What labels mean, such as 0=normal,1=carcinoma.")] = "",
    cut: Annotated[int | None, typer.Option(min=8, help="Cut each image into tiles of this side.")] = None,
    copy: Annotated[bool, typer.Option("--copy", help="Copy images that lie elsewhere.")] = False,
    fractions: Annotated[str, typer.Option(help="Of patients per split.")] = "train=0.6,val=0.2,test=0.2",
    seed: Annotated[int, typer.Option(help="Of the draw of splits.")] = 0,
) -> None:
    """Write tile lists and a manifest from a table of ready-made tile images."""
    from flows.commands.tile_lists import pairs, split_fractions, tile_lists
    from tasks.interchange.tile_tables import TileTableJob

    job = TileTableJob(
        table, images, folder, mpp, pairs(columns, "--columns"), pairs(labels, "--labels"), cut, copy,
        split_fractions(fractions), seed,
    )  # fmt: skip
    tile_lists(job, out)


features = typer.Typer(no_args_is_help=True, help="Feature files of TRIDENT, CLAM and STAMP.")
interchange.add_typer(features, name="features")

FormatOption = Annotated[str, typer.Option("--format", help="Whose files: trident, clam or stamp.")]


@features.command("import")
def import_features(
    tree: Annotated[Path, typer.Argument(help="The folder of the feature files.")],
    format_: FormatOption,
    labels: Annotated[Path, typer.Option(help="CSV or TSV, one row per slide.")],
    folder: OutOption,
    columns: Annotated[str, typer.Option(help="Such as slide=slide_id,patient=case_id.")] = "",
    tiles: Annotated[
        Path | None, typer.Option("--coordinates", help="Of CLAM: the folder of its patches files.")
    ] = None,
    mpp: Annotated[float | None, typer.Option(min=0, help="Micrometres per level-0 pixel.")] = None,
    fractions: Annotated[str, typer.Option(help="Of patients per split.")] = "train=0.6,val=0.2,test=0.2",
    seed: Annotated[int, typer.Option(help="Of the draw of splits.")] = 0,
) -> None:
    """Write a manifest whose slides are feature files; a study of level slide needs nothing else."""
    from flows.commands.features import import_features, producer_of
    from flows.commands.tile_lists import pairs, split_fractions
    from tasks.interchange.feature_trees import FeatureTreeJob

    job = FeatureTreeJob(
        tree, producer_of(format_), labels, folder, pairs(columns, "--columns"), tiles, mpp,
        split_fractions(fractions), seed,
    )  # fmt: skip
    import_features(job, out)


@features.command("export")
def export_features(
    config: ConfigArg,
    format_: FormatOption,
    folder: OutOption,
    home: HomeOption = Path(".veritile"),
    data_root: RootOption = None,
) -> None:
    """Write the features of a study as files that TRIDENT, CLAM or STAMP read."""
    prepare(home)
    from flows.commands.features import export_study, producer_of
    from flows.commands.target import Target

    export_study(Target(config, home, data_root), folder, producer_of(format_), out)


manifest = typer.Typer(no_args_is_help=True, help="Manifests from the tables of labels of others.")
interchange.add_typer(manifest, name="manifest")

FileOption = Annotated[Path, typer.Option("--out", help="The manifest to write.")]
PathOption = Annotated[
    str, typer.Option("--path", help="Path of a slide below the data root, such as slides/{slide}.svs.")
]
FeaturesOption = Annotated[bool, typer.Option("--features", help="The path names feature files.")]
MppOption = Annotated[float | None, typer.Option(min=0, help="Micrometres per level-0 pixel.")]
ClassesOption = Annotated[str, typer.Option("--labels", help="What labels mean, such as 0=normal,1=tumour.")]
FractionsOption = Annotated[str, typer.Option(help="Of patients per split, where none are named.")]
SeedOption = Annotated[int, typer.Option(help="Of the draw of splits.")]
TilesOption = Annotated[
    str | None, typer.Option("--coordinates", help="Files of tiles, such as patches/{slide}.h5.")
]


@manifest.command("from-clam")
def from_clam(
    table: Annotated[Path, typer.Argument(help="CSV with case_id, slide_id and label.")],
    path: PathOption,
    file: FileOption,
    splits: Annotated[Path | None, typer.Option(help="splits_k.csv, or its form with truth values.")] = None,
    are_features: FeaturesOption = False,
    mpp: MppOption = None,
    labels: ClassesOption = "",
    fractions: FractionsOption = "train=0.6,val=0.2,test=0.2",
    seed: SeedOption = 0,
    tiles: TilesOption = None,
) -> None:
    """Write a manifest from CLAM's table of labels and a file of splits."""
    from flows.commands.manifest import rows_job, write
    from tasks.interchange.label_tables import read_clam

    job = replace(rows_job(path, are_features, mpp, labels, fractions, seed), coordinates=tiles)
    write(read_clam(table, splits), job, file, out)


@manifest.command("from-patho-bench")
def from_patho_bench(
    table: Annotated[Path, typer.Argument(help="The k=all.tsv of a task.")],
    path: PathOption,
    file: FileOption,
    fold: Annotated[int | None, typer.Option(min=0, help="The fold whose splits count.")] = None,
    config: Annotated[
        Path | None, typer.Option(help="config.yaml (default: the one beside the table).")
    ] = None,
    are_features: FeaturesOption = False,
    mpp: MppOption = None,
    labels: ClassesOption = "",
    fractions: FractionsOption = "train=0.6,val=0.2,test=0.2",
    seed: SeedOption = 0,
    tiles: TilesOption = None,
) -> None:
    """Write a manifest from the table of a task of Patho-Bench."""
    from flows.commands.manifest import rows_job, write
    from tasks.interchange.label_tables import read_patho_bench

    job = replace(rows_job(path, are_features, mpp, labels, fractions, seed), coordinates=tiles)
    write(read_patho_bench(table, fold, config), job, file, out)
