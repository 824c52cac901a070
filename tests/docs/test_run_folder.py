"""docs/architecture.md names every file of a run's folder."""

import re
from fnmatch import fnmatch

from docs_pages import ROOT

from qrec.runner.load import load
from qrec.runner.submit import submit
from qrec.runs.progress import silent


def named(heading):
    """Return the patterns in backquotes of the first column below a heading."""
    text = (ROOT / "docs" / "architecture.md").read_text().partition(f"## {heading}")[2]
    table = re.findall(r"^\| (`[^|]*) \|", text.partition("\n## ")[0], re.MULTILINE)
    names = [name for row in table for name in re.findall("`([^`]+)`", row)]
    return [re.sub("STEP|BACKEND|FORM|NNNN|UID|N(?=[.])", "*", name) for name in names]


def files(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_every_file_of_a_run_is_named(small_experiment, runs_dir):
    sent = submit(load(small_experiment), lambda _: None, None, silent)
    found, patterns = files(sent.work.folder.path), named("The folder of a run")
    unknown = {f for f in found if not any(fnmatch(f, pattern) for pattern in patterns)}
    assert not unknown
    beside = {path.name for path in runs_dir.iterdir()} - {sent.work.folder.id}
    text = (ROOT / "docs" / "architecture.md").read_text()
    assert all(f"`{name}" in text for name in beside)
    assert {"jobs/0000.json", "spec.yaml", "record.json"} <= found


def test_finished_run_has_what_the_page_promises(small_run):
    found, patterns = files(small_run.folder.path), named("The folder of a run")
    unknown = {f for f in found if not any(fnmatch(f, pattern) for pattern in patterns)}
    assert not unknown
    assert {"rows.csv", "gates.csv", "report.html"} <= found
