"""Imports run one way, files stay short, and the command line starts light."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import qrec

ROOT = Path(qrec.__file__).parent
# Each group may import from itself and from those before it.
LAYERS = [
    {"errors", "seeds", "types", "linalg", "registry", "threads"},
    {"config"},
    {"data"},
    {"circuits"},
    {"backends"},
    {"svd", "recommenders"},
    {"metrics"},
    {"runs"},
    {"analysis"},
    {"experiments"},
    {"runner"},
    {"cli", "__main__"},
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
FILES = sorted(ROOT.rglob("*.py"))


def imported(tree: ast.Module) -> Iterator[str]:
    """Yield the names of all modules of qrec that a module imports, wherever it does."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("qrec."))
        elif isinstance(node, ast.ImportFrom) and node.module == "qrec":
            yield from (f"qrec.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("qrec."):
            yield str(node.module)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_one_way(path):
    layer = path.relative_to(ROOT).parts[0].removesuffix(".py")
    if layer == "__init__":
        return  # the front door: it names what lies in every layer, and imports none of it
    assert layer in LEVEL, f"{layer} has no place in the order of imports"
    for name in imported(ast.parse(path.read_text())):
        other = name.split(".")[1]
        assert LEVEL[other] <= LEVEL[layer], f"{path.name} imports {name}, a later layer"


def name_of(path: Path) -> str:
    """Return the name under which a file of the package is imported."""
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in FILES}


def at_import(path: Path) -> set[str]:
    """Return the modules of qrec that importing a file imports, before anything is called."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("qrec"):
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name for name in inner if name in MODULES} or {str(node.module)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name in MODULES}
    return found - {name_of(path)}


def test_imports_have_no_circles():
    TopologicalSorter({name: at_import(path) for name, path in MODULES.items()}).prepare()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_private_to_a_folder_is_imported_in_it_alone(path):
    for name in imported(ast.parse(path.read_text())):
        folder, _, module = name.rpartition(".")
        if module.startswith("_"):
            assert name_of(path).startswith(folder), f"{path} imports {name}"


def test_only_submitting_makes_permits():
    makers = [p for p in FILES if re.search(r"(?<!class )\bPermit\(", p.read_text())]
    assert [str(path.relative_to(ROOT)) for path in makers] == ["runner/submit.py"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_is_long(path):
    assert len(path.read_text().splitlines()) <= 400


ENGINE = ROOT / "backends" / "exact"
WINGS = [
    "machine",
    "read",
    "state",
    "heisenberg",
    "tensor_train",
    ".",
]  # each may import from those before it


@pytest.mark.parametrize(
    "path", sorted(ENGINE.rglob("*.py")), ids=lambda path: str(path.relative_to(ENGINE))
)
def test_the_wings_of_the_engine_are_read_one_way(path):
    own = WINGS.index(str(path.parent.relative_to(ENGINE)))
    for name in imported(ast.parse(path.read_text())):
        if name.startswith("qrec.backends.exact."):
            wing, *inside = name.removeprefix("qrec.backends.exact.").split(".")
            assert WINGS.index(wing if inside else ".") <= own, f"{path.name} imports {name}"


def test_only_backends_import_simulators_and_hardware():
    for path in FILES:
        if path.relative_to(ROOT).parts[0] != "backends":
            text = path.read_text()
            assert "import qiskit_aer" not in text, path
            assert "from qiskit_aer" not in text, path
            assert "qiskit_ibm_runtime" not in text, path


HEAVY = ("torch", "qiskit", "sklearn", "scipy", "pandas", "matplotlib", "qiskit_ibm_runtime")


@pytest.mark.parametrize(
    "code",
    [
        "import qrec",
        "from qrec.cli import app; import sys; sys.argv = ['qrec', '--help']\n"
        "try: app()\nexcept SystemExit: pass",
        "from qrec.cli import app; import sys; sys.argv = ['qrec', 'run', '--help']\n"
        "try: app()\nexcept SystemExit: pass",
    ],
    ids=["import", "help", "run help"],
)
def test_nothing_heavy_is_imported(code):
    ask = f"{code}\nimport sys; print('loaded:', [m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert "loaded: []" in done.stdout


def test_front_door_offers_what_it_names():
    for name in qrec.__all__:
        assert getattr(qrec, name) is not None
    with pytest.raises(AttributeError, match="nonsense"):
        _ = qrec.nonsense
