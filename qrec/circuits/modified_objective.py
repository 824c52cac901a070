"""The modified objective: |<i|U^dag M V|i>|^2 as the probability that all qubits read zero.

Jojo, Khandelwal, Chandra, arXiv:2310.19504, Table II.
"""

from collections.abc import Callable

from numpy.typing import ArrayLike
from qiskit import QuantumCircuit

from qrec.circuits import block_encoding
from qrec.circuits.layered_ansatz import layered_ansatz
from qrec.circuits.parts.encoding import BlockEncoding
from qrec.circuits.parts.matrix import EXAMPLE
from qrec.circuits.parts.registers import flip


def modified_objective(
    matrix: ArrayLike = EXAMPLE,
    n_layers: int = 2,
    i: int = 0,
    encode: Callable[[ArrayLike], BlockEncoding] = block_encoding.encode,
) -> QuantumCircuit:
    """Return the circuit with P(all zero) = |<i|U^dag M V|i>|^2 / subnormalisation^2.

    The angles are `theta_u` and `theta_v`, each as in `layered_ansatz`. `encode` names the
    block encoding, `subnormalisation` being that of ``encode(matrix)`` and 2^(3n/2) for the
    default with entries up to 1. The last gates flip `outputs` by i, so the probability of
    reading j XOR i there and zero elsewhere is that of <j|U^dag M V|i>. Raises ConfigError
    when i is not below 2^n, and what `encode` raises.
    """
    encoding = encode(matrix)
    n = len(encoding.inputs)
    circuit = encoding.circuit.copy_empty_like("modified_objective")
    flip(circuit, encoding.inputs, i)
    circuit.compose(layered_ansatz(n, n_layers, "theta_v"), encoding.inputs, inplace=True)
    circuit.compose(encoding.circuit, inplace=True)
    u_dagger = layered_ansatz(n, n_layers, "theta_u").inverse()
    circuit.compose(u_dagger, encoding.outputs, inplace=True)
    flip(circuit, encoding.outputs, i)
    return circuit
