"""The signed overlap of two real vectors, by a Hadamard test on one register."""

from itertools import chain

from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector

from qrec.circuits.encodings import register_size
from qrec.circuits.parts.multiplexer import multiplexed_ry


def overlap_test(n_factors: int = 4) -> QuantumCircuit:
    """Return the Hadamard test of two real vectors u and v of length `n_factors`.

    1 + ceil(log2 n_factors) qubits, the last one the ancilla: |0>|u> + |1>|v> is one
    amplitude embedding whose root is split evenly, so neither a controlled preparation nor a
    second register nor a CSWAP is needed. <Z> of the last qubit is <u|v>, sign included.
    Parameters ``u[i]``, ``v[i]`` are tree angles (see `amplitude_embedding`). Not in the
    report: it is our cheaper and signed replacement for its SWAP test.
    """
    size = register_size(n_factors)
    u, v = (ParameterVector(name, 2**size - 1) for name in "uv")
    circuit = QuantumCircuit(size + 1, name="overlap_test")
    circuit.h(size)
    for level in range(size):
        nodes = slice(2**level - 1, 2 ** (level + 1) - 1)
        angles = list(chain(u[nodes], v[nodes]))
        target = size - 1 - level
        multiplexed_ry(circuit, angles, range(target + 1, size + 1), target)
    circuit.h(size)
    return circuit
