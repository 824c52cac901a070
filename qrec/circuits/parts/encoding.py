"""What every block encoding returns, so that circuits around it treat all of them alike."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import Qubit
from qiskit.quantum_info import Statevector

from qrec.circuits.parts.registers import basis_index


@dataclass(frozen=True, eq=False)
class BlockEncoding:
    """A circuit with a 2^m x 2^n matrix M as a block of its unitary W.

    ``<0, r| W |0, c> = M[r, c] / subnormalisation``, where c is the value of `inputs` before
    W and r that of `outputs` after it (most significant qubit first), and 0 stands for every
    other qubit. `outputs` may be other qubits than `inputs`. `error` is the Frobenius norm of
    the difference between M and what is encoded, 0 where nothing was left out.
    """

    circuit: QuantumCircuit
    subnormalisation: float
    inputs: tuple[Qubit, ...]
    outputs: tuple[Qubit, ...]
    error: float = 0.0

    def matrix(self) -> NDArray[np.complex128]:
        """Return the encoded matrix (2^m, 2^n), by simulating the circuit on every input."""
        shape = 2 ** len(self.outputs), 2 ** len(self.inputs)
        rows = [basis_index(self.circuit, self.outputs, r) for r in range(shape[0])]
        dims = 2**self.circuit.num_qubits
        block: NDArray[np.complex128] = np.empty(shape, dtype=np.complex128)
        for c in range(shape[1]):
            start = Statevector.from_int(basis_index(self.circuit, self.inputs, c), dims)
            block[:, c] = start.evolve(self.circuit).data[rows]
        block *= self.subnormalisation
        return block
