"""A noisy factor in fused steps against its operations one by one on all Pauli strings."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.quantum_info import Kraus, random_quantum_channel, random_unitary

from qrec.backends.exact.heisenberg.blocks import Block
from qrec.backends.exact.heisenberg.matrices import BlockMatrices
from qrec.backends.exact.heisenberg.mixed import MixedPaulis
from qrec.backends.exact.read.parts import part_of
from qrec.backends.exact.read.pauli import embed, transfer
from qrec.backends.exact.read.program import Channel, Fixed, Operation, Rotation

QUBITS = (7, 2, 5, 3)  # numbered as on a device; the first is the lowest digit
N_ROWS = 3


def draw_operations(seed: int, depth: int) -> list[Operation]:
    """Return channels, gates on up to three qubits, and rotations fixed and free."""
    rng = np.random.default_rng(seed)
    out: list[Operation] = []
    for _ in range(depth):
        width = int(rng.choice([1, 1, 2, 2, 3]))
        qubits = tuple(int(q) for q in rng.permutation(QUBITS)[:width])
        if width == 1 and rng.random() < 0.6:
            columns = (0,) if rng.random() < 0.7 else ()
            name = str(rng.choice(["rx", "ry", "rz"]))
            out.append(Rotation(name, qubits, columns, (1.0,) * len(columns), rng.normal()))
        elif width == 3 or rng.random() < 0.3:
            out.append(Fixed(random_unitary(2**width, seed=rng).data, qubits))
        else:
            kraus = np.array(Kraus(random_quantum_channel(2**width, rank=2, seed=rng)).data)
            out.append(Channel(transfer(kraus), qubits))
    return out


def one_by_one(operations: list[Operation], angles: dict[Operation, np.ndarray]) -> np.ndarray:
    rows = []
    for row in range(N_ROWS):
        state = np.ones(1)
        for _ in QUBITS:
            state = np.kron(np.array([1.0, 0.0, 0.0, 1.0]), state)
        for place, operation in enumerate(operations):
            block = Block(operation.qubits, (part_of(operation),))
            angle = np.array([angles.get(place, np.zeros(N_ROWS))[row]])
            [[matrix]] = BlockMatrices([block])(angle)
            places = tuple(QUBITS.index(q) for q in operation.qubits)
            state = embed(matrix, places, len(QUBITS)) @ state
        rows.append(state)
    return np.array(rows).T


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), depth=st.integers(0, 14))
def test_fused_steps_are_the_operations(seed: int, depth: int) -> None:
    operations = draw_operations(seed, depth)
    turns = [i for i, op in enumerate(operations) if isinstance(op, Rotation) and op.columns]
    rng = np.random.default_rng(seed)
    angles = {i: rng.normal(size=N_ROWS) for i in turns}
    harmonics = torch.tensor(
        np.array([[np.ones(N_ROWS), np.cos(angles[i]), np.sin(angles[i])] for i in turns])
    ).reshape(len(turns), 3, N_ROWS)
    index = {operations[i]: n for n, i in enumerate(turns)}
    found = MixedPaulis(QUBITS, operations, index)(harmonics)
    expected = one_by_one(operations, angles)
    np.testing.assert_allclose(found.expand(-1, N_ROWS).numpy(), expected, atol=1e-12)


def test_the_gradient_goes_through() -> None:
    operations = draw_operations(1, 12)
    index = {op: n for n, op in enumerate(o for o in operations if isinstance(o, Rotation))}
    mixed = MixedPaulis(QUBITS, operations, index)

    def values(angles: torch.Tensor) -> torch.Tensor:
        return mixed(torch.stack([torch.ones_like(angles), angles.cos(), angles.sin()], dim=1))

    start = torch.randn(len(index), 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(values, (start,))
