"""The parts that the two Hadamard tests of <j|U^dag M V|i> share."""

from collections.abc import Collection
from typing import Literal

from numpy.typing import ArrayLike
from qiskit import QuantumCircuit
from qiskit.circuit.library import (
    CCXGate,
    CCZGate,
    CHGate,
    CRYGate,
    CRZGate,
    CXGate,
    CYGate,
    CZGate,
)

from qrec.circuits.block_encoding import bell_step, beta_step
from qrec.circuits.layered_ansatz import layered_ansatz
from qrec.circuits.parts.matrix import as_values, n_qubits, z_order
from qrec.circuits.parts.registers import bits, colour, control, data, state
from qrec.circuits.qpixl import qpixl_rotations
from qrec.errors import ConfigError

Part = Literal["real", "imag"]

_CONTROLLED = {
    "x": CXGate,
    "y": CYGate,
    "z": CZGate,
    "h": CHGate,
    "rz": CRZGate,
    "ry": CRYGate,
    "cx": CCXGate,
    "cz": CCZGate,
}


def branch_pieces(matrix: ArrayLike, n_layers: int) -> list[QuantumCircuit]:
    """Return V, the QPIXL rotations, the Bell step, the beta step and U^dag, in this order.

    Together, between states |+> of d, they are the block M / (2^(3n/2) scale).
    """
    values = as_values(z_order(matrix))
    n = n_qubits(values) // 2
    return [
        layered_ansatz(n, n_layers, "theta_v"),
        qpixl_rotations(values),
        bell_step(n),
        beta_step(n),
        layered_ansatz(n, n_layers, "theta_u").inverse(),
    ]


def open_test(n: int, part: Part) -> QuantumCircuit:
    """Return d, a, s, c with the control in superposition and d in |+> for both branches."""
    d = data(2 * n)
    circuit = QuantumCircuit(d, colour(), state(n), control())
    open_control(circuit, part)
    circuit.h(d)
    return circuit


def open_control(circuit: QuantumCircuit, part: Part) -> None:
    """Put c in superposition, so that after a last H its <Z> is the real or imaginary part."""
    if part not in ("real", "imag"):
        raise ConfigError(f"part {part!r}: expected 'real' or 'imag'")
    c = control()
    circuit.h(c)
    if part == "imag":
        circuit.sdg(c)


def append_controlled(
    circuit: QuantumCircuit, piece: QuantumCircuit, controlled: Collection[str]
) -> None:
    """Append `piece` on its own qubits, its gates named in `controlled` under control of c."""
    c = control()[0]
    for instruction in piece.data:
        gate, qubits = instruction.operation, instruction.qubits
        if gate.name in controlled:
            circuit.append(_CONTROLLED[gate.name](*gate.params), [c, *qubits])
        else:
            circuit.append(gate, qubits)


def controlled_flip(circuit: QuantumCircuit, n: int, start: int, end: int) -> None:
    """Take s from |start> to |end> in the branch c = 1."""
    c, s = control()[0], state(n)
    for qubit, before, after in zip(s, bits(start, n), bits(end, n), strict=True):
        if before != after:
            circuit.cx(c, qubit)
