"""The Hadamard test of `original_objective` with only the gates controlled that must be.

Where c = 0, s stays in |0>, a in |0> and d in |+>. On these the CX of QPIXL cancel, the CX of
the ansatz and of the Bell step and the CZ of the beta step do nothing, and RZ is a phase,
which one phase gate on c undoes. RY, the Bell step's H and the beta step's X remain.
"""

from numpy.typing import ArrayLike
from qiskit import QuantumCircuit

from qrec.circuits.parts.hadamard import (
    Part,
    append_controlled,
    branch_pieces,
    controlled_flip,
    open_test,
)
from qrec.circuits.parts.matrix import EXAMPLE, as_square, n_qubits
from qrec.circuits.parts.registers import control

# In the order of `branch_pieces`: V, rotations, Bell step, beta step, U^dag.
_MUST_CONTROL = ({"ry"}, {"ry"}, {"h"}, {"cx"}, {"ry"})


def cheap_hadamard(
    matrix: ArrayLike = EXAMPLE,
    n_layers: int = 2,
    i: int = 0,
    j: int | None = None,
    part: Part = "real",
) -> QuantumCircuit:
    """Return a circuit with the arguments, angles and value of `original_objective`."""
    n = n_qubits(as_square(matrix))
    circuit = open_test(n, part)
    circuit.name = "cheap_hadamard"
    controlled_flip(circuit, n, 0, i)
    phase = 0.0
    for piece, names in zip(branch_pieces(matrix, n_layers), _MUST_CONTROL, strict=True):
        append_controlled(circuit, piece, names)
        phase -= sum(gate.params[0] for gate in piece.data if gate.name == "rz") / 2
    circuit.p(phase, control())
    controlled_flip(circuit, n, i if j is None else j, 0)
    circuit.h(control())
    return circuit
