"""What is built from the source distribution runs outside the clone; docs build without warning."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]


def run(*command: object, **options: object) -> str:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder outside the clone with the wheel, built from the sdist, unpacked in `site`."""
    place = tmp_path_factory.mktemp("built")
    run(sys.executable, "-m", "build", "--no-isolation", "-o", place / "dist", ROOT)
    [wheel] = (place / "dist").glob("*.whl")
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index")
    run(*pip, "--target", place / "site", wheel)
    return place


@pytest.fixture
def qrec(built, tmp_path):
    """The wheel's command, in a folder of its own."""
    own = {"PYTHONPATH": str(built / "site"), "QREC_RUNS_DIR": str(tmp_path / "runs")}
    own["QREC_CACHE_DIR"] = str(tmp_path / "cache")

    def command(*words: str) -> str:
        return run(built / "site" / "bin" / "qrec", *words, cwd=tmp_path, env=os.environ | own)

    return command


def test_the_wheel_starts_outside_the_clone(built, qrec):
    where = run(sys.executable, "-c", "import qrec; print(qrec.__file__)", cwd=built,
                env=os.environ | {"PYTHONPATH": str(built / "site")})  # fmt: skip
    assert where.strip() == str(built / "site" / "qrec" / "__init__.py")
    assert "submit" in qrec("--help")
    experiments = qrec("list", "experiments")
    assert all(path.stem in experiments for path in (ROOT / "experiments").glob("*.yaml"))


def test_the_wheel_runs_a_circuit_of_the_users_own(qrec, tmp_path):
    page = (ROOT / "docs" / "extending.md").read_text()
    for language, name in (("python", "my_circuits.py"), ("yaml", "mine.yaml")):
        text = page.partition(f"```{language} {name}\n")[2].partition("```")[0]
        (tmp_path / name).write_text(text)
    assert "mine" in qrec("run", "mine.yaml")
    assert qrec("replay", "latest")


@pytest.mark.slow
def test_the_wheel_runs_the_packaged_comparison(qrec):
    assert "swap_test" in qrec("run", "report", "--jobs", "2")


def test_every_file_of_the_package_is_in_the_wheel(built):
    ours = {path.relative_to(ROOT) for path in (ROOT / "qrec").rglob("*.py")}
    theirs = {path.relative_to(built / "site") for path in (built / "site" / "qrec").rglob("*.py")}
    assert ours <= theirs
    assert (built / "site" / "qrec" / "py.typed").exists()


def test_one_version_everywhere(qrec):
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert qrec("--version") == f"qrec {version}\n"
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == version
    assert f"\n## [{version}]" in (ROOT / "CHANGELOG.md").read_text()


def test_docs_build_without_a_warning(tmp_path):
    run(sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-f", ROOT / "mkdocs.yml",
        "-d", tmp_path / "site")  # fmt: skip
    assert "qrec" in (tmp_path / "site" / "index.html").read_text()
