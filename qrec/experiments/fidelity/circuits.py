"""Circuits of qrec's families, and of randomised benchmarking, with random numbers in them."""

from collections.abc import Callable

import numpy as np
from qiskit import QuantumCircuit
from qiskit.quantum_info import Clifford, random_clifford
from qiskit.transpiler import CouplingMap

from qrec.circuits import build_circuit

Rng = np.random.Generator
Family = Callable[[Rng], QuantumCircuit]


def _angle_net(rng: Rng) -> QuantumCircuit:
    entangler = ("pairs", "chain")[int(rng.integers(2))]
    size, depth = int(rng.integers(1, 3)), int(rng.integers(1, 4))
    return build_circuit("angle_net", n_factors=size, n_layers=depth, entangler=entangler)


def _layered_ansatz(rng: Rng) -> QuantumCircuit:
    width, depth = int(rng.integers(2, 6)), int(rng.integers(1, 4))
    return build_circuit("layered_ansatz", n_qubits=width, n_layers=depth)


def _of_vectors(name: str, most: int) -> Family:
    """Return the circuits of vectors of length 2, 4, .., 2^most."""
    return lambda rng: build_circuit(name, n_factors=2 ** int(rng.integers(1, most + 1)))


def _of_matrices(name: str, most: int, low: float) -> Family:
    """Return the circuits of square matrices of side 2, .., 2^most, entries `low` to 1."""

    def build(rng: Rng) -> QuantumCircuit:
        side = 2 ** int(rng.integers(1, most + 1))
        return build_circuit(name, matrix=rng.uniform(low, 1.0, (side, side)))

    return build


def _direct_projection(rng: Rng) -> QuantumCircuit:
    side = 2 ** int(rng.integers(1, 3))
    matrix = rng.uniform(-1.0, 1.0, (side, side))
    return build_circuit("direct_projection", matrix=matrix, n_layers=int(rng.integers(1, 4)))


FAMILIES: dict[str, Family] = {
    "amplitude_embedding": _of_vectors("amplitude_embedding", 5),
    "angle_net": _angle_net,
    "block_encoding": _of_matrices("block_encoding", 1, -1.0),
    "direct_projection": _direct_projection,
    "fable": _of_matrices("fable", 2, -1.0),
    "layered_ansatz": _layered_ansatz,
    "overlap_test": _of_vectors("overlap_test", 4),
    "swap_test": _of_vectors("swap_test", 2),
}


def own_circuit(family: str, rng: Rng) -> QuantumCircuit:
    """Return a circuit of a family, on at most five qubits, its parameters random angles."""
    circuit = FAMILIES[family](rng)
    bound: QuantumCircuit = circuit.assign_parameters(
        rng.uniform(0, 2 * np.pi, circuit.num_parameters)
    )
    return bound


def clifford_circuit(rng: Rng) -> QuantumCircuit:
    """Return a sequence of randomised benchmarking: 1 to 5 random Cliffords and their inverse.

    On 1 to 4 qubits; Magesan, Gambetta and Emerson, Phys. Rev. Lett. 106, 180504 (2011).
    """
    width, length = int(rng.integers(1, 5)), int(rng.integers(1, 6))
    circuit, whole = QuantumCircuit(width, name="clifford"), Clifford(np.eye(2 * width, dtype=bool))
    for _ in range(length):
        clifford = random_clifford(width, seed=int(rng.integers(2**31)))
        circuit.compose(clifford.to_circuit(), inplace=True)
        circuit.barrier()
        whole = whole.compose(clifford)
    circuit.compose(whole.adjoint().to_circuit(), inplace=True)
    return circuit


def random_layout(coupling: CouplingMap, width: int, rng: Rng) -> list[int]:
    """Return as many connected physical qubits, drawn one beside the others, in random order."""
    chosen = [int(rng.integers(coupling.size()))]
    while len(chosen) < width:
        beside = {int(n) for qubit in chosen for n in coupling.neighbors(qubit)} - set(chosen)
        chosen.append(int(rng.choice(sorted(beside))))
    return [chosen[place] for place in rng.permutation(width)]
