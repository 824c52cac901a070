"""``qrec replay``: the results again, from what is stored."""

from qrec.cli._shared import AllowCode, AsJson, BackendsFile, DataDir, OneRun, show_run


def replay(
    run: OneRun = "latest",
    as_json: AsJson = False,
    data_dir: DataDir = None,
    backends: BackendsFile = None,
    allow_code: AllowCode = False,
) -> None:
    """Make what was asked, tables and report again from stored answers, without a network.

    An answer that is missing ends it, and nothing is lost.
    """
    from qrec.runner.replay import replay as again
    from qrec.runner.run import make_places
    from qrec.runs.progress import progress

    with progress() as report:
        found = again(run, make_places(data_dir, backends, allow_code), report)
    show_run(found, as_json)
