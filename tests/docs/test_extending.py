"""What docs/extending.md shows runs as it stands there, from a folder outside the package."""

import csv
import tomllib

import pytest
from docs_pages import ROOT, blocks, sections

PAGE = ROOT / "docs" / "extending.md"
SECTIONS = sections(PAGE)
FILES = {block.file: block.text for block in blocks(PAGE.read_text()) if block.file}
# What the last run of each section has in its rows.
ROWS = {
    "A circuit": ("recommender", {"als", "mine"}),
    "A recommender": ("recommender", {"bias", "mine"}),
    "A data set": ("recommender", {"mean", "bias"}),
    "A metric": ("recommender", {"mean", "bias"}),
    "A kind of backend": ("backend", {"", "statevector"}),
    "A kind of experiment": ("backend", {"exact", "aer_ideal"}),
}


def script(section):
    return "".join(block.text for block in blocks(SECTIONS[section]) if block.language == "sh")


def rows_of_runs(folder):
    """Return the rows of all runs, oldest first."""
    paths = sorted(folder.glob("runs/*/rows.csv"))
    return [list(csv.DictReader(path.read_text().splitlines())) for path in paths]


@pytest.mark.parametrize("section", ROWS)
def test_example_runs_beside_its_file(section, shell, tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    done = shell(script(section))
    assert done.returncode == 0, done.stderr
    key, expected = ROWS[section]
    runs = rows_of_runs(tmp_path)
    assert runs
    assert all({row[key] for row in rows} == expected for rows in runs)
    if section == "A metric":
        assert "within .5" in done.stdout
        assert all(0 < float(row["my_metrics:WITHIN_HALF"]) < 1 for row in runs[0])


def test_package_offers_the_same_by_entry_points(shell, tmp_path):
    site, folder = tmp_path / "site", tmp_path / "elsewhere"
    info = site / "mine-1.0.dist-info"
    for path in (info, folder):
        path.mkdir(parents=True)
    for name, text in FILES.items():
        place = site if name.endswith(".py") else folder
        (place / name).write_text(text)
    points = tomllib.loads(FILES["pyproject.toml"])["project"]["entry-points"]
    lines = [
        line
        for group, found in points.items()
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in found.items()))
    ]
    (info / "entry_points.txt").write_text("\n".join(lines))
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    done = shell("cd elsewhere\n" + script("In a package"), path=site)
    assert done.returncode == 0, done.stderr
    assert "ladder" in done.stdout
    [rows] = rows_of_runs(folder)
    assert {row["recommender"] for row in rows} == {"damped", "ladder"}
    assert all(row["within_half"] for row in rows)
    # What no experiment of this page names by its entry point is found by it all the same.
    named = FILES["backends.yaml"].replace("my_backend:Statevector", "statevector")
    (folder / "backends.yaml").write_text(named)
    (folder / "kind.yaml").write_text(FILES["kind.yaml"].replace("my_kind:C", "c"))
    done = shell("cd elsewhere\nqrec run kind.yaml -b statevector", path=site)
    assert done.returncode == 0, done.stderr
    assert "statevector" in done.stdout
