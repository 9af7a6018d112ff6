"""The commands for what others made and what others read; every heavy import is inside a command."""

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
