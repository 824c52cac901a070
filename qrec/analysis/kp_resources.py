"""What the quantum recommendation system takes at real sizes, beside the seconds of `svds`.

Counted by the formulas that `tests/circuits` check on built circuits; the full circuits are far
too long to build.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.linalg import svds

from qrec.analysis.table import Column, Table, build_table
from qrec.circuits.encodings import register_size
from qrec.threads import one_thread
from qrec.types import Row

_RANK = 10
_DEGREES = (16, 104, 4000)  # enough to recommend; KP's own tolerance; exactly rank 10
_PHASE_QUBITS = 10
# Users, items, ratings: as MovieLens-100K, and a shop.
SIZES = ((943, 1682, 100_000), (1_000_000, 100_000, 10_000_000))


@dataclass(frozen=True, kw_only=True)
class ResourceRow(Row):
    """One form at one size, its ratings loaded by rotations (`cx`) or from a QRAM (the cells)."""

    KEY: ClassVar[tuple[str, ...]] = ("n_users", "n_items", "form", "size")
    VALUES: ClassVar[tuple[str, ...]] = ("qubits", "cx")

    n_users: int
    n_items: int
    form: str
    size: int  # degree of qsvt, phase qubits of qsve
    qubits: int  # without those of a QRAM
    u_calls: int
    cx: int  # of one run; of qsve without reflections and Fourier transforms
    qram_cells: int  # in place of the CX
    query_levels: int  # of a QRAM's tree, each passed with a rotation in each call
    n_ratings: int  # that svds was given
    svds_seconds: float  # CPU time of the ten leading singular vectors


def resource_rows(n_users: int, n_items: int, n_ratings: int) -> list[ResourceRow]:
    """Return the rows of one of the `SIZES`; its `svds` is timed once."""
    m, n = register_size(n_users), register_size(n_items)
    seconds = _svds_seconds(drawn_ratings(n_users, n_items, n_ratings))
    calls = 4 * (2**_PHASE_QUBITS - 1)
    forms = [("qsvt", d, m + n + 1, d, qsvt_cx(m, n, d)) for d in _DEGREES]
    forms.append(("qsve", _PHASE_QUBITS, m + n + _PHASE_QUBITS + 1, calls, calls * _block_cx(m, n)))
    return [
        ResourceRow(
            n_users=n_users,
            n_items=n_items,
            form=form,
            size=size,
            qubits=qubits,
            u_calls=u_calls,
            cx=cx,
            qram_cells=2 ** (m + n),
            query_levels=m + n,
            n_ratings=n_ratings,
            svds_seconds=seconds,
        )
        for form, size, qubits, u_calls, cx in forms
    ]


def resource_table(rows: Sequence[ResourceRow]) -> Table:
    """Return the rows as a table."""
    ratings = ", ".join(f"{n:.0e}" for *_, n in SIZES)
    notes = [
        "Size: degree of qsvt (16: enough to recommend; 104: Kerenidis's and Prakash's tolerance; "
        "4000: exactly rank 10), phase qubits of qsve. CX: of one run that loads the ratings as "
        "rotations; or cells and levels of a QRAM that holds their tree. About 4 in 5 runs fail "
        "(kp_sampling). svds: CPU seconds for ten singular vectors, measured now, of random "
        f"ratings ({ratings}), whose flat spectrum is its hardest case."
    ]
    return build_table("The quantum recommendation system at real sizes", _COLUMNS, rows, notes)


def qsvt_cx(m: int, n: int, degree: int) -> int:
    """Return the CX of one run on 2^m users and 2^n items, the row's state included."""
    users, items = 1 << m, 1 << n
    return degree * _block_cx(m, n) + degree // 2 * (users + items) + items - 2


def _block_cx(m: int, n: int) -> int:
    return (1 << m + n) - 2


def drawn_ratings(n_users: int, n_items: int, n_ratings: int) -> csr_array:
    """Return random ratings, users and items drawn with weights that fall as 1 / sqrt(place)."""
    rng = np.random.default_rng(0)
    # The place below which a share u^2 of such weights lies is u^2 of all places.
    users = (n_users * rng.random(n_ratings) ** 2).astype(np.int32)
    items = (n_items * rng.random(n_ratings) ** 2).astype(np.int32)
    values = rng.integers(1, 6, n_ratings).astype(float)
    return csr_array(coo_array((values, (users, items)), shape=(n_users, n_items)))


def _svds_seconds(matrix: csr_array) -> float:
    start = np.random.default_rng(0).normal(size=min(matrix.shape))
    with one_thread():
        begun = time.process_time()  # not of what runs beside it
        svds(matrix, k=_RANK, v0=start)
        return time.process_time() - begun


def _large(number: int) -> str:
    return str(number) if number < 100_000 else f"{number:.1e}"


_COLUMNS: list[Column[ResourceRow]] = [
    Column("matrix", lambda row: f"{row.n_users} x {row.n_items}", text=True),
    Column("form", lambda row: row.form, text=True),
    Column("size", lambda row: row.size),
    Column("qubits", lambda row: row.qubits),
    Column("calls", lambda row: row.u_calls),
    Column("CX", lambda row: row.cx, _large),
    Column("QRAM", lambda row: row.qram_cells, _large),
    Column("levels", lambda row: row.query_levels),
    Column("svds s", lambda row: row.svds_seconds, "{:.3f}"),
]
