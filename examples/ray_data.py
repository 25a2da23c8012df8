"""clockread in Ray Data: `python examples/ray_data.py PHOTOS OUT`, on one machine or on a Ray cluster.

PHOTOS is a folder, or a Parquet file with a column `path`; OUT becomes a folder of Parquet files, one row a photo. Ray shares out the
work, and starts it again where a worker dies. Run once more with the same OUT, it reads only the photos that are not in there yet.
Needs `pip install ".[cpu,ray]"`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import ray
import typer

from clockread import ClockReader
from clockread.listing import list_photos

BLOCK = 64  # photos that are read, and where a worker dies read again, together
READING = pa.struct(
    [
        ("time", pa.string()),
        ("minutes", pa.int16()),  # past twelve on the dial
        ("confidence", pa.float32()),
        ("box", pa.list_(pa.float32(), 4)),  # x, y, width, height, pixels
        ("second", pa.int8()),
        ("consistent", pa.bool_()),
    ]
)
ROW = pa.schema(
    [
        ("path", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("error", pa.string()),
        ("readings", pa.list_(READING)),
    ]
)


class Worker:
    """An actor with one reader of its own, on one core."""

    def __init__(self, provider: str) -> None:
        self._reader = ClockReader(provider, threads=1)

    def __call__(self, batch: pa.Table) -> pa.Table:
        """One row of results for each path."""
        rows = [
            {**_values(result, ROW), "readings": [_values(r, READING) for r in result.readings]}
            for result in self._reader.stream(batch["path"].to_pylist())
        ]
        return pa.Table.from_pylist(rows, schema=ROW)


def _values(result: object, fields: Iterable[pa.Field]) -> dict[str, Any]:
    return {field.name: getattr(result, field.name) for field in fields}


def wanted(photos: Path) -> pa.Array:
    """The paths to read, each once, as absolute ones: a worker may have another folder open."""
    named = (
        pq.read_table(photos, columns=["path"])["path"].to_pylist()
        if photos.suffix == ".parquet"
        else list_photos([photos])
    )
    return pc.unique(pa.array([str(Path(path).absolute()) for path in named], pa.string()))


def done(out: Path) -> pa.Array:
    """The paths that are in OUT already. A file that a killed run left half written is removed, and its photos are read again."""
    paths = []
    for file in sorted(out.glob("*.parquet")):
        try:
            paths.append(pq.read_table(file, columns=["path"])["path"].combine_chunks())
        except pa.ArrowInvalid:
            file.unlink()
    return pa.concat_arrays(paths) if paths else pa.array([], pa.string())


def main(
    photos: Annotated[
        Path, typer.Argument(help="A folder of photos, or a Parquet file with a column `path`.")
    ],
    out: Annotated[Path, typer.Argument(help="Folder for the Parquet files of results.")],
    workers: Annotated[
        int, typer.Option(min=1, help="Actors, each with a reader on one core.")
    ] = 2,
    provider: Annotated[str, typer.Option(help="As in `clockread predict`.")] = "cpu",
) -> None:
    """Read what is not yet in OUT."""
    paths = wanted(photos)
    left = paths.filter(pc.invert(pc.is_in(paths, value_set=done(out))))
    typer.echo(f"{len(left)} of {len(paths)} photos to read")
    if not len(left):
        return
    blocks = max(1, -(-len(left) // BLOCK))
    read = ray.data.from_arrow(pa.table({"path": left}), override_num_blocks=blocks).map_batches(
        Worker,
        fn_constructor_args=(provider,),
        batch_format="pyarrow",
        batch_size=BLOCK,
        compute=ray.data.ActorPoolStrategy(size=workers),
        num_cpus=1,
    )
    read.write_parquet(str(out))


if __name__ == "__main__":
    typer.run(main)
