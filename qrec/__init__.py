"""Experiments with quantum and hybrid recommenders, on simulators and on real hardware.

    ratings = qrec.load_ratings("synthetic")
    parts = qrec.split(ratings, "random", seed=0)
    backend = qrec.open_backend("exact")
    print(qrec.run("report"))

Everything named here is imported when first asked for: ``import qrec`` itself is instant.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qrec import recommenders
    from qrec.backends import open_backend
    from qrec.data import Ratings, load_ratings, split
    from qrec.data.frames import ratings
    from qrec.runner.run import open_run, run

    __version__: str

__all__ = [
    "Ratings",
    "__version__",
    "load_ratings",
    "open_backend",
    "open_run",
    "ratings",
    "recommenders",
    "run",
    "split",
]

_HOMES = {
    "Ratings": "qrec.data",
    "ratings": "qrec.data.frames",
    "load_ratings": "qrec.data",
    "split": "qrec.data",
    "open_backend": "qrec.backends",
    "run": "qrec.runner.run",
    "open_run": "qrec.runner.run",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("qrec")
    if name == "recommenders":
        return import_module("qrec.recommenders")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'qrec' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
