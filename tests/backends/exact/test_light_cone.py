"""What an observable cannot see is left out, and nothing else."""

import numpy as np
import pytest

from qrec.backends.exact.read.cone import light_cone
from qrec.backends.exact.read.observable import pauli_codes
from qrec.backends.exact.read.program import read_circuit
from qrec.backends.exact.read.question import on_used_qubits
from qrec.backends.exact.state.statevector import StateVector
from qrec.circuits.angle_net import angle_net

Z0 = np.array([3])


@pytest.mark.parametrize(
    ("entangler", "n_layers", "qubits"),
    [("pairs", 1, (0,)), ("pairs", 5, (0, 4)), ("all", 1, (0,)), ("chain", 1, tuple(range(8)))],
)
def test_the_reports_net_sees_few_qubits(entangler, n_layers, qubits) -> None:
    program = read_circuit(angle_net(4, n_layers, entangler))
    assert light_cone(program, Z0)[1] == qubits


@pytest.mark.parametrize("seed", range(12))
def test_values_stay(seed, make_circuit, make_observable, oracle) -> None:
    import torch

    random, observable = make_circuit(seed, 5, 10), make_observable(seed, 5)
    [observed] = on_used_qubits(read_circuit(random.circuit), [observable])
    seen, kept = light_cone(observed.program, observed.codes)
    assert len(seen.operations) <= len(observed.program.operations)
    assert seen.n_qubits == len(kept)
    rows = random.rows()
    state = StateVector(observed, [True] * rows.shape[1])
    value = state(torch.zeros(0, dtype=torch.float64), torch.from_numpy(rows.T.copy()))
    np.testing.assert_allclose(value, oracle(random.circuit, observable, rows), atol=1e-11)


def test_codes_of_projectors_are_their_pauli_sums(make_observable) -> None:
    from qiskit.quantum_info import SparsePauliOp

    observable = make_observable(5, 3)
    codes, coefficients = pauli_codes(observable, {0: 0, 1: 1, 2: 2})
    rebuilt = SparsePauliOp(
        ["".join("IXYZ"[c >> 2 * q & 3] for q in (2, 1, 0)) for c in codes.tolist()], coefficients
    )
    original = SparsePauliOp.from_sparse_observable(observable.as_paulis())
    np.testing.assert_allclose(rebuilt.to_matrix(), original.to_matrix(), atol=1e-12)
