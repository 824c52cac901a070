"""``qrec open``: a run's report, in the browser."""

import webbrowser

from qrec.cli._shared import OneRun, show_note


def open_report(run: OneRun = "latest") -> None:
    """Open the report of a finished run in the browser, and print its path."""
    from qrec.runner.run import require_finished
    from qrec.runs.folder import find_run

    folder = find_run(run)
    require_finished(folder)
    path = folder.path.resolve() / "report.html"
    print(path)
    if not webbrowser.open(path.as_uri()):
        show_note("no browser was found: open that file with one")
