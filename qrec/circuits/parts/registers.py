"""The registers of the matrix circuits, and how their order maps to Qiskit's.

The papers count qubits big-endian: qubit 0 of a register is the most significant bit of the
register's value. Here ``d[k]`` is the paper's d(k) and ``s[k]`` its s(k). Qiskit numbers the
basis states of a circuit little-endian, qubit q being bit q. Only `basis_index` and
`projector` know both; everything else is written with the papers' labels.
"""

from collections.abc import Sequence

from qiskit import QuantumCircuit, QuantumRegister
from qiskit.circuit import Qubit
from qiskit.quantum_info import SparseObservable

from qrec.errors import ConfigError

Qubits = Sequence[Qubit]


def data(n_qubits: int) -> QuantumRegister:
    """Return d, the register whose basis states number the entries of the matrix."""
    return QuantumRegister(n_qubits, "d")


def colour() -> QuantumRegister:
    """Return a, the qubit whose amplitude of |0> holds the value of an entry."""
    return QuantumRegister(1, "a")


def state(n_qubits: int) -> QuantumRegister:
    """Return s, the register that the matrix acts on."""
    return QuantumRegister(n_qubits, "s")


def control() -> QuantumRegister:
    """Return c, the control qubit of a Hadamard test."""
    return QuantumRegister(1, "c")


def bits(value: int, n_bits: int) -> list[int]:
    """Return the bits of `value`, most significant first.

    Raises ConfigError when `value` does not fit into `n_bits`.
    """
    if not 0 <= value < 2**n_bits:
        raise ConfigError(f"basis state {value}: expected 0 to {2**n_bits - 1} on {n_bits} qubits")
    return [(value >> (n_bits - 1 - k)) & 1 for k in range(n_bits)]


def flip(circuit: QuantumCircuit, qubits: Qubits, value: int) -> None:
    """Append the X gates that take |0> of `qubits` to |value>."""
    for qubit, bit in zip(qubits, bits(value, len(qubits)), strict=True):
        if bit:
            circuit.x(qubit)


def basis_index(circuit: QuantumCircuit, qubits: Qubits, value: int) -> int:
    """Return Qiskit's number of the basis state with `qubits` in |value> and the rest in |0>."""
    set_bits = zip(qubits, bits(value, len(qubits)), strict=True)
    return sum(bit << circuit.find_bit(qubit).index for qubit, bit in set_bits)


def projector(circuit: QuantumCircuit, qubits: Qubits = (), value: int = 0) -> SparseObservable:
    """Return the projector on `qubits` in |value> and every other qubit of `circuit` in |0>."""
    index = basis_index(circuit, qubits, value)
    return SparseObservable(format(index, f"0{circuit.num_qubits}b"))
