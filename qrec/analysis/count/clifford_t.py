"""What fault tolerance pays for: T gates, and the layers of them."""

from functools import cache

import numpy as np
from qiskit import QuantumCircuit
from qiskit.transpiler import PassManager, generate_preset_pass_manager

_CLIFFORD_T = ("h", "s", "sdg", "x", "y", "z", "cx", "cz", "t", "tdg")


def clifford_t(circuit: QuantumCircuit, precision: float) -> QuantumCircuit:
    """Return the circuit in Clifford gates and T, any pair of qubits connected.

    Qiskit's own passes: level 1 of its preset, with Ross's and Selinger's synthesis of rotations
    (arXiv:1403.2975), each to `precision` in operator norm; rotations by multiples of pi/4 are
    exact. Free parameters stand for any angle and get values drawn with seed 0.
    """
    angles = np.random.default_rng(0).uniform(0, 2 * np.pi, circuit.num_parameters)
    return _synthesis(precision).run(circuit.assign_parameters(angles))


def t_count(circuit: QuantumCircuit) -> int:
    """Return how many T gates and inverses of one there are."""
    return sum(instruction.operation.name in ("t", "tdg") for instruction in circuit.data)


def t_depth(circuit: QuantumCircuit) -> int:
    """Return how many layers of T gates follow one another."""
    return int(circuit.depth(lambda instruction: instruction.operation.name in ("t", "tdg")))


@cache
def _synthesis(precision: float) -> PassManager:
    return generate_preset_pass_manager(
        optimization_level=1,
        basis_gates=list(_CLIFFORD_T),
        approximation_degree=1 - precision,
        seed_transpiler=0,
    )
