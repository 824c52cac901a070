import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from qrec.circuits.parts.matrix import as_square, as_values, z_order
from qrec.errors import ConfigError

small = st.integers(-9, 9)


def square(n):
    return arrays(np.int64, (2**n, 2**n), elements=small)


squares = st.integers(1, 3).flatmap(square)


@given(squares, squares, st.sampled_from(["column", "row"]))
def test_vec_of_a_kronecker_product_is_that_of_its_factors(a, b, first):
    product = np.kron(z_order(a, first), z_order(b, first))
    np.testing.assert_array_equal(z_order(np.kron(a, b), first), product)


def test_z_order_interleaves_the_index_bits():
    matrix = np.arange(16).reshape(4, 4)
    by_row = [0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15]
    np.testing.assert_array_equal(z_order(matrix, "row"), by_row)
    np.testing.assert_array_equal(z_order(matrix.T, "column"), by_row)


@given(array_shapes(min_dims=0, max_dims=3, max_side=5))
def test_only_square_matrices_of_a_power_of_two_pass(shape):
    if shape in [(2, 2), (4, 4)]:
        assert as_square(np.ones(shape)).shape == shape
    else:
        with pytest.raises(ConfigError, match="expected 2\\^n x 2\\^n"):
            as_square(np.ones(shape))


@given(squares, st.sampled_from([np.nan, np.inf, -np.inf]), st.data())
def test_an_entry_that_is_not_finite_is_named(matrix, bad, data):
    row, column = (data.draw(st.integers(0, len(matrix) - 1)) for _ in range(2))
    matrix = matrix.astype(float)
    matrix[row, column] = bad
    with pytest.raises(ConfigError, match=f"entry \\({row}, {column}\\) is {bad}"):
        as_square(matrix)


def test_masked_entries_are_refused():
    with pytest.raises(ConfigError, match="array has 1 masked entries; expected none"):
        as_square(np.ma.array([[1.0, 999.0], [2.0, 3.0]], mask=[[False, True], [False, False]]))


@pytest.mark.parametrize("bad", [[["a", "b"], ["c", "d"]], [[1, 2], [3]], None])
def test_what_is_no_array_of_numbers_is_refused(bad):
    with pytest.raises(ConfigError):
        as_square(bad)


def test_complex_values_point_to_the_encoding_that_takes_them():
    with pytest.raises(ConfigError, match="encode_state"):
        as_values([1j, 0.0])
