"""The counts at real sizes are those of circuits that can be built."""

import numpy as np
import pytest

from qrec.analysis.kp_resources import SIZES, drawn_ratings, qsvt_cx, resource_rows, resource_table
from qrec.circuits.qsvt import qsvt


@pytest.mark.parametrize(("m", "n", "degree"), [(1, 1, 2), (2, 2, 4), (2, 3, 6), (3, 2, 2)])
def test_formula_is_what_circuits_have(m, n, degree):
    matrix = np.random.default_rng(0).normal(size=(2**m, 2**n))
    norm = np.linalg.norm(matrix)
    assert qsvt(matrix, degree, norm / 2, norm / 4).count_ops()["cx"] == qsvt_cx(m, n, degree)


def test_rows_of_movielens_size():
    rows = resource_rows(*SIZES[0])
    by_key = {(row.form, row.size): row for row in rows}
    assert by_key["qsvt", 16].cx == pytest.approx(3.4e7, rel=0.02)
    assert by_key["qsvt", 104].cx == pytest.approx(2.2e8, rel=0.02)
    assert by_key["qsvt", 4000].cx == pytest.approx(8.4e9, rel=0.02)
    assert {row.qubits for row in rows} == {22, 32}
    assert {(row.qram_cells, row.query_levels) for row in rows} == {(2**21, 21)}
    assert len({row.svds_seconds for row in rows}) == 1
    assert len(resource_table(rows).rows) == len(rows)


def test_drawn_ratings_have_the_size_asked_for():
    matrix = drawn_ratings(50, 30, 400)
    assert matrix.shape == (50, 30)
    assert matrix.sum() == pytest.approx(3 * 400, rel=0.1)
