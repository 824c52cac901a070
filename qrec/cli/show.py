"""``qrec show``: a run's tables again."""

from qrec.cli._shared import AllowCode, AsJson, BackendsFile, DataDir, OneRun, show_run


def show(
    run: OneRun = "latest",
    as_json: AsJson = False,
    data_dir: DataDir = None,
    backends: BackendsFile = None,
    allow_code: AllowCode = False,
) -> None:
    """Print the tables of a finished run again."""
    from qrec.runner.run import make_places, stored

    show_run(stored(run, make_places(data_dir, backends, allow_code)), as_json)
