"""``qrec report``: a run's page, made again from its files."""

from qrec.cli._shared import AllowCode, BackendsFile, DataDir, OneRun


def report(
    run: OneRun = "latest",
    data_dir: DataDir = None,
    backends: BackendsFile = None,
    allow_code: AllowCode = False,
) -> None:
    """Make report.html of a finished run again and print its path."""
    from qrec.runner.run import make_places, stored

    print(stored(run, make_places(data_dir, backends, allow_code)).folder.path / "report.html")
