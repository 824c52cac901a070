"""A run as a zip file: whole when it comes back, and harmless whatever it holds."""

import csv
import os
import stat
import subprocess
import sys
import zipfile

import pytest
import yaml

from qrec.backends.open import parse_backend
from qrec.errors import ConfigError
from qrec.runner import archive
from qrec.runner.archive import export_run, import_run
from qrec.runner.run import stored
from qrec.runs.record import RecordedBackend

pytestmark = pytest.mark.usefixtures("runs_dir")


@pytest.fixture
def exported(small_run, tmp_path):
    return export_run(str(small_run.folder.path), tmp_path / "run.zip")


def test_an_exported_run_is_read_elsewhere(exported, small_run, runs_dir):
    folder = import_run(exported)
    assert folder.path == runs_dir / small_run.id
    assert stored(folder.id).rows == small_run.rows
    with pytest.raises(ConfigError, match="is here already"):
        import_run(exported)
    with pytest.raises(ConfigError, match="is there already"):
        export_run(folder.id, exported)


def test_it_is_cited_and_repeated(exported, small_run):
    folder = import_run(exported).path
    assert f"run {small_run.id}" in (folder / "citation.bib").read_text()
    assert subprocess.run(["sh", "-n", folder / "repeat.sh"], check=False).returncode == 0
    script = (folder / "repeat.sh").read_text()
    assert "'qiskit==" in script
    assert "qrec run spec.yaml --backends repeat.backends.yaml" in script
    entries = yaml.safe_load((folder / "repeat.backends.yaml").read_text())["backends"]
    assert set(entries) == {"exact", "aer_ideal"}


# Of what the script calls, all but qrec itself: an environment with the packages is there.
STUBS = {
    "python3": '#!/bin/sh\nmkdir -p "$3/bin"; : > "$3/bin/activate"\n',
    "pip": '#!/bin/sh\necho "$@" > "$ASKED"\n',
    "qrec": f'#!/bin/sh\nexec {sys.executable} -m qrec "$@"\n',
}


def test_its_script_gives_the_same_rows_and_leaves_the_run_as_it_was(
    exported, small_run, tmp_path, monkeypatch
):
    folder = import_run(exported).path
    for name, text in STUBS.items():
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    (tmp_path / "made").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "made"))
    monkeypatch.setenv("ASKED", str(tmp_path / "asked"))
    before = sorted(folder.rglob("*"))
    done = subprocess.run(["sh", folder / "repeat.sh"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(folder.rglob("*")) == before
    [again] = (tmp_path / "made").glob("*/runs/[0-9]*/rows.csv")
    found = list(csv.DictReader(again.read_text().splitlines()))
    assert [float(row["rmse"]) for row in found] == [row["rmse"] for row in small_run.rows]
    assert "+" not in (tmp_path / "asked").read_text(), "no build that the index may not have"


def test_what_a_qpu_did_is_submitted_again_to_that_qpu(small_run):
    record = small_run.folder.record()
    device = {"name": "ibm_x", "date": "2026-01-01", "sha256": "0" * 64,
              "file": "snapshots/000000000000.json"}  # fmt: skip
    spec = {"name": "qpu", "kind": "ibm", "device": "least_busy", "shots": 1, "seed_transpiler": 1,
            "max_qpu_seconds": 1.0}  # fmt: skip
    asked = RecordedBackend.model_validate({"spec": spec, "snapshot": device})
    details = record.details | {"backends": {"qpu": asked.model_dump()}}
    sent = record.model_copy(update={"details": details})
    entry = yaml.safe_load(archive._backends(sent))["backends"]["qpu"]
    assert entry["device"] == "ibm_x"
    parse_backend({"name": "qpu", **entry}, "repeat.backends.yaml")
    assert "qrec submit spec.yaml" in archive._script(small_run.folder, sent)


def packed(path, *entries):
    with zipfile.ZipFile(path, "w") as file:
        for name, content in entries:
            file.writestr(name, content)
    return path


def link(name, target):
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry, target


RUN = "20260101T000000Z_x_00000000"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (("../evil", "x"), "leads out"),
        ((f"{RUN}/../../evil", "x"), "leads out"),
        (("/etc/evil", "x"), "leads out"),
        ((f"{RUN}/..\\evil", "x"), "leads out"),
        ((f"{RUN}/c:evil", "x"), "leads out"),
        (link(f"{RUN}/link", "/etc/passwd"), "no plain file"),
        (("other/file", "x"), "expected the folder of one run"),
        ((f"{RUN}/record.json", "{}"), "stands twice"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_what_would_do_harm_is_refused_and_leaves_nothing(entry, said, tmp_path, runs_dir):
    path = packed(tmp_path / "evil.zip", (f"{RUN}/record.json", "{}"), entry)
    with pytest.raises(ConfigError, match=said):
        import_run(path)
    assert not runs_dir.exists() or not list(runs_dir.iterdir())
    assert not (tmp_path / "evil").exists()


def test_what_unpacks_into_too_much_is_refused(exported, monkeypatch):
    monkeypatch.setattr(archive, "_MOST_BYTES", 1000)
    with pytest.raises(ConfigError, match="expected at most 1000"):
        import_run(exported)
    monkeypatch.setattr(archive, "_checked", lambda *_: RUN)  # a header that lies
    with pytest.raises(ConfigError, match="more than 1000"):
        import_run(exported)
    monkeypatch.undo()
    monkeypatch.setattr(archive, "_MOST_FILES", 1)
    with pytest.raises(ConfigError, match="expected at most 1"):
        import_run(exported)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no zip", None])
def test_what_is_no_zip_file_is_one_error(content, tmp_path):
    path = tmp_path / "odd.zip"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"odd\.zip"):
        import_run(path)


def test_a_record_of_another_run_is_refused(exported, tmp_path, runs_dir):
    with zipfile.ZipFile(exported) as source:
        entries = [(n.replace(n.split("/")[0], RUN), source.read(n)) for n in source.namelist()]
    with pytest.raises(ConfigError, match=r"record\.json is of run"):
        import_run(packed(tmp_path / "renamed.zip", *entries))
    assert not (runs_dir / RUN).exists()
