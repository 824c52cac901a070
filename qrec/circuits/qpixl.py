"""QPIXL: 2^m real values in the amplitudes of one qubit, with 2^m RY and 2^m CX gates.

Amankwah, Camps, Bethel, Van Beeumen, Perciano, "Quantum pixel representations and compression
for N-dimensional images", Scientific Reports 12, 7712 (2022), for the FRQI state.
"""

from numpy.typing import ArrayLike
from qiskit import QuantumCircuit

from qrec.circuits.parts.matrix import EXAMPLE, as_values, n_qubits
from qrec.circuits.parts.registers import colour, data
from qrec.circuits.parts.rotations import append_rotations


def qpixl(values: ArrayLike = EXAMPLE[0], threshold: float | None = None) -> QuantumCircuit:
    """Prepare ``2^(-m/2) sum_z |z>_d (v_z |0> + sqrt(1 - v_z^2) |1>)_a``.

    `values` has shape (2^m,); v is `values`, divided by its largest magnitude where that is
    above 1. Depth is 2 * 2^m. A `threshold` in radians leaves out every rotation whose angle
    is no larger, and the CX gates that then cancel; ``rotations.compression_error`` is the
    price. Raises ConfigError for values that are not 2^m finite real numbers.
    """
    array = as_values(values)
    d = data(n_qubits(array))
    circuit = QuantumCircuit(d, colour(), name="qpixl")
    circuit.h(d)
    circuit.compose(qpixl_rotations(array, threshold), inplace=True)
    return circuit


def qpixl_rotations(values: ArrayLike, threshold: float | None = None) -> QuantumCircuit:
    """Return `qpixl` without its Hadamard gates: the controlled rotations alone."""
    array = as_values(values)
    d, a = data(n_qubits(array)), colour()
    circuit = QuantumCircuit(d, a, name="qpixl_rotations")
    append_rotations(circuit, array, d, a[0], threshold)
    return circuit
