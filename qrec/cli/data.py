"""``qrec data``: getting data sets."""

from typing import Annotated

import typer

app = typer.Typer(help="Get data sets.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _group() -> None:
    """Get data sets."""


def fetch(name: Annotated[str, typer.Argument(help="See `qrec list datasets`.")]) -> None:
    """Download a data set, check it, and print where it is."""
    from qrec.data import fetch_dataset

    print(fetch_dataset(name))
