"""``qrec replay``: the results again, from what is stored."""

from qrec.cli._shared import AllowCode, AsJson, BackendsFile, DataDir, OneRun, show_run


def replay(
    run: OneRun = "latest",
    as_json: AsJson = False,
    data_dir: DataDir = None,
    backends: BackendsFile = None,
    allow_code: AllowCode = False,
) -> None:
    """Make outcomes, tables and report again from the stored answers; no backend is asked."""
    from qrec.runner.replay import replay as again
    from qrec.runner.run import make_places
    from qrec.runs.progress import progress

    with progress() as report:
        found = again(run, make_places(data_dir, backends, allow_code), report)
    show_run(found, as_json)
