"""Random circuits of everything that Qiskit's library has, with rows and an observable."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from qiskit import QuantumCircuit, qasm3
from qiskit.circuit import (
    AnnotatedOperation,
    ControlModifier,
    Gate,
    InverseModifier,
    Operation,
    Parameter,
    ParameterExpression,
    ParameterVector,
    PowerModifier,
)
from qiskit.circuit import library as lib
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.quantum_info import (
    Clifford,
    SparseObservable,
    SparsePauliOp,
    Statevector,
    random_clifford,
    random_hermitian,
    random_unitary,
)
from qiskit.synthesis import LieTrotter, MatrixExponential, QDrift, SuzukiTrotter

Array = NDArray[np.float64]
T, LONE = ParameterVector("t", 4), Parameter("w")
PARAMETERS = [*T, LONE]
STANDARD = [gate for gate in get_standard_gate_name_mapping().values() if isinstance(gate, Gate)]


@dataclass
class Drawn:
    """A circuit with rows of values `(n_rows, n_parameters)` for its parameters."""

    circuit: QuantumCircuit
    rows: Array
    is_affine: bool  # every angle, in the parameters

    def states(self) -> list[Statevector]:
        return [Statevector(self.circuit.assign_parameters(row)) for row in self.rows]

    def values(self, observable: SparsePauliOp) -> Array:
        """Return the expectation values by Qiskit's `Statevector`, one row at a time."""
        return np.array([state.expectation_value(observable).real for state in self.states()])


class Angles:
    """Draws angles; `is_affine` turns false at the first that is not affine in the parameters."""

    def __init__(self, rng: Generator, twisted: bool) -> None:
        self._rng, self._twisted, self.is_affine = rng, twisted, True

    def __call__(self) -> ParameterExpression | float:
        a, b = (PARAMETERS[i] for i in self._rng.integers(len(PARAMETERS), size=2))
        c, d = self._rng.normal(size=2).tolist()
        plain = [a, b, c, d, 0.0, -0.0, np.pi / 2, -np.pi, 4 * np.pi, 1e4 * c, a - a, 0 * b + c,
                 2 * a - b / 3 + c, -(a - (b - d)), np.pi - (a + 2 * b), c * (d + a) / 2, a + b - a,
                 (a + 1e3 * c) * 1.0]  # fmt: skip
        twists = [a * b + b * a, (2 * a).sin(), a**2, abs(a), (a * a) ** 0.5, b * abs(a + c),
                  (a + 7).log(), 1 / (a**2 + 1), a.exp() / 9, a.sign() * b]  # fmt: skip
        if self._twisted and self._rng.random() < 0.3:
            self.is_affine = False
            return twists[self._rng.integers(len(twists))]
        return plain[self._rng.integers(len(plain))]


Maker = Callable[[Generator, Angles, int], Operation]


def _standard(rng: Generator, angle: Angles, n: int) -> Operation:
    fitting = [gate for gate in STANDARD if gate.num_qubits <= n]
    known = fitting[rng.integers(len(fitting))]
    return known.base_class(*[angle() for _ in known.params])


def _narrow(rng: Generator, angle: Angles, n: int) -> Operation:
    gate = _standard(rng, angle, n)
    while gate.num_qubits == 0:
        gate = _standard(rng, angle, n)
    return gate


def _open_controls(rng: Generator, angle: Angles, n: int) -> Operation:
    gate = _narrow(rng, angle, max(n - 1, 1))
    more = int(rng.integers(1, 3))
    if gate.num_qubits + more > n:
        return gate
    state = int(rng.integers(2**more))
    return gate.control(more, ctrl_state=state, annotated=bool(rng.integers(2)))


def _own_ctrl_state(rng: Generator, angle: Angles, n: int) -> Operation:
    del n
    controlled = [lib.CXGate(), lib.CRYGate(angle()), lib.CUGate(*[angle() for _ in range(4)]),
                  lib.CSXGate(), lib.CCXGate(), lib.C3XGate(), lib.CCZGate(), lib.C4XGate(),
                  lib.CPhaseGate(angle()), lib.CHGate(), lib.CSwapGate()]  # fmt: skip
    gate = controlled[rng.integers(len(controlled))]
    return gate.base_class(*gate.params, ctrl_state=int(rng.integers(2**gate.num_ctrl_qubits)))


def _composite(rng: Generator, angle: Angles, n: int, whole: bool = True) -> Operation:
    size = int(rng.integers(1, min(n, 3) + 1))
    plain = not whole or rng.random() < 0.7  # Qiskit's own `control` goes by names
    inner = QuantumCircuit(size, name="mix" if plain else str(rng.choice(["rx", "delay", "cx"])))
    for _ in range(rng.integers(1, 4)):
        _append(inner, _standard(rng, angle, size), rng)
    if size > 1 and rng.random() < 0.3:
        _append(inner, _composite(rng, angle, size, whole=False), rng)
    inner.global_phase += angle()
    gate = inner.to_instruction() if rng.random() < 0.2 and whole else inner.to_gate()
    if rng.random() < 0.3:
        gate = gate.inverse()
    elif rng.random() < 0.2:
        gate = gate.repeat(2)
    if size < n and plain and isinstance(gate, Gate) and rng.random() < 0.3:
        gate = gate.control(1, ctrl_state=int(rng.integers(2)))
    return gate


def _amplitudes(rng: Generator, size: int) -> NDArray[np.complex128]:
    parts = rng.normal(size=(2, size)) * (rng.random(size) < 0.7)
    parts[0, 0] += 1.0
    state = parts[0] + 1j * parts[1] * rng.integers(2)
    return state / np.linalg.norm(state)


def _prepared(rng: Generator, angle: Angles, n: int) -> Operation:
    del angle
    size = int(rng.integers(1, min(n, 3) + 1))
    label = "".join(rng.choice([*"01+-rl"], size))
    ways = [_amplitudes(rng, 2**size), label, int(rng.integers(2**size))]
    given = ways[rng.integers(3)]
    number = size if isinstance(given, int) else None
    return lib.StatePreparation(given, number, inverse=bool(rng.integers(2)))


def _matrix(rng: Generator, angle: Angles, n: int) -> Operation:
    del angle
    size = int(rng.integers(1, min(n, 4) + 1))
    seed, dimension = int(rng.integers(2**31)), 2**size
    unitary = random_unitary(dimension, seed=seed)
    phases = np.exp(1j * rng.normal(size=dimension)).tolist()
    made = [
        lib.UnitaryGate(unitary),
        lib.UnitaryGate(unitary).control(1, ctrl_state=0) if size < n else lib.UnitaryGate(unitary),
        lib.HamiltonianGate(random_hermitian(dimension, seed=seed), float(rng.normal())),
        lib.DiagonalGate(phases),
        lib.Isometry(unitary.data, 0, 0),
        lib.PermutationGate(rng.permutation(size).tolist()),
        lib.LinearFunction(_invertible(rng, size)),
        lib.PauliGate("".join(rng.choice([*"IXYZ"], size))),
        random_clifford(size, seed=seed),
        Clifford(lib.CZGate()) if n > 1 else Clifford(lib.HGate()),
        lib.QFTGate(size),
        lib.UnitaryGate(unitary).power(0.5),
    ]
    return made[rng.integers(len(made))]


def _invertible(rng: Generator, size: int) -> NDArray[np.int64]:
    lower = np.tril(rng.integers(2, size=(size, size)), -1) + np.eye(size, dtype=int)
    return (lower @ lower.T) % 2


def _multiplexed(rng: Generator, angle: Angles, n: int) -> Operation:
    del angle
    controls = int(rng.integers(0, min(n, 3)))
    angles = rng.normal(size=2**controls).tolist()
    made = [
        lib.UCGate([random_unitary(2, seed=int(rng.integers(99))).data for _ in angles]),
        lib.UCRXGate(angles), lib.UCRYGate(angles), lib.UCRZGate(angles),
    ]  # fmt: skip
    return made[rng.integers(len(made))]


def _many_controls(rng: Generator, angle: Angles, n: int) -> Operation:
    controls = max(n - 1, 1)
    state = int(rng.integers(2**controls))
    made = [
        lib.MCXGate(controls, ctrl_state=state),
        lib.MCPhaseGate(angle(), controls, ctrl_state=state),
        lib.MCMTGate(lib.RYGate(angle()), 1, controls),
        lib.MCMTGate(lib.HGate(), controls, 1),
        lib.AndGate(controls, rng.integers(-1, 2, controls).tolist()),
        lib.OrGate(controls, rng.integers(-1, 2, controls).tolist()),
        lib.BitwiseXorGate(controls + 1, int(rng.integers(2 ** (controls + 1)))),
    ]
    return made[rng.integers(len(made))]


def _of_paulis(rng: Generator, angle: Angles, n: int) -> Operation:
    size = int(rng.integers(1, min(n, 3) + 1))
    labels = ["".join(rng.choice([*"IXYZ"], size)) for _ in range(rng.integers(1, 4))]
    operator = SparsePauliOp(labels, rng.normal(size=len(labels)))
    if rng.random() < 0.3:  # its own circuit is a product formula: most are refused
        formulas = [LieTrotter(), SuzukiTrotter(order=2, reps=2), QDrift(seed=3)]
        return lib.PauliEvolutionGate(operator, angle(), synthesis=formulas[rng.integers(3)])
    if rng.random() < 0.3:
        return lib.PauliEvolutionGate(operator, rng.normal(), synthesis=MatrixExponential())
    letters = [*"IZ"] if rng.random() < 0.5 else [*"Z01"]  # all of these commute
    terms = ["".join(rng.choice(letters, size)) for _ in range(3)]
    if "0" in letters:
        return lib.PauliEvolutionGate(SparseObservable(terms[0]), angle())
    listed = [SparsePauliOp(terms[0], 0.4), SparsePauliOp(terms[1:], rng.normal(size=2))]
    return lib.PauliEvolutionGate(listed, angle())


def _whole(rng: Generator, angle: Angles, n: int) -> Operation:
    """Return a larger piece of the library."""
    edges = np.triu(rng.integers(2, size=(n, n)), 1)
    made = [
        lib.MSGate(n, angle()),
        lib.RVGate(*rng.normal(size=3).tolist()),
        lib.GraphStateGate(edges + edges.T),
        lib.UniformSuperpositionGate(int(rng.integers(2, 2**n + 1)), n),
    ]
    if n > 1:
        made += [
            lib.LinearPauliRotationsGate(n - 1, rng.normal(), rng.normal()),
            lib.IntegerComparatorGate(n - 1, int(rng.integers(2**n))),
            lib.InnerProductGate(n // 2),
            lib.ModularAdderGate(n // 2),
            lib.ExactReciprocalGate(n - 1, 0.3),
            lib.PhaseOracleGate("a & ~b"),
        ]
    if n > 3:
        made += [
            lib.BitFlipOracleGate("a & ~b"),
            lib.HalfAdderGate((n - 1) // 2),
            lib.FullAdderGate((n - 2) // 2),
            lib.MultiplierGate(n // 4),
        ]
    return made[rng.integers(len(made))]


def _annotated(rng: Generator, angle: Angles, n: int) -> Operation:
    gate = _narrow(rng, angle, max(n - 1, 1))
    modifiers = [InverseModifier(), PowerModifier(int(rng.integers(-2, 3)))]
    if gate.num_qubits < n:
        modifiers.append(ControlModifier(1, int(rng.integers(2))))
    chosen = rng.permutation(len(modifiers))[: rng.integers(1, 3)]
    return AnnotatedOperation(gate, [modifiers[i] for i in chosen])


def _changed(rng: Generator, angle: Angles, n: int) -> Operation:
    gate = _narrow(rng, angle, n)
    changes = [lambda g: g.inverse(), lambda g: g.to_mutable(), lambda g: g.repeat(2)]
    return changes[rng.integers(3)](gate)


_QASM = """OPENQASM 3.0;
include "stdgates.inc";
gate mine(a, b) p, q {{ ctrl @ rx(a) p, q; negctrl @ U(a / 2, b, -a) p, q; inv @ s q; pow(2) @ t p; gphase(a); }}
gate rx2(a) p {{ U(a, -pi / 2, pi / 2) p; }}
qubit[2] q;
mine({}, {}) q[0], q[1];
rx2({}) q[1];
gphase({});
"""  # noqa: E501


def _of_qasm(rng: Generator, angle: Angles, n: int) -> Operation:
    del angle
    if n < 2:
        return lib.SXGate()
    return qasm3.loads(_QASM.format(*rng.normal(size=4).tolist())).to_gate()


MAKERS: dict[str, Maker] = {
    "standard": _standard,
    "standard, again": _standard,
    "open controls": _open_controls,
    "own ctrl_state": _own_ctrl_state,
    "composite": _composite,
    "prepared": _prepared,
    "matrix": _matrix,
    "multiplexed": _multiplexed,
    "many controls": _many_controls,
    "of Paulis": _of_paulis,
    "whole": _whole,
    "annotated": _annotated,
    "changed": _changed,
    "of QASM": _of_qasm,
}


def draw(
    seed: int, n_qubits: int, kinds: list[str], twisted: bool = False, delays: bool = True
) -> Drawn:
    """Return a circuit of gates of these kinds (`MAKERS`), each on random qubits.

    With `twisted` some angles may be other than affine in the parameters; with `delays` qubits
    wait, for times that no device need allow.
    """
    rng = np.random.default_rng(seed)
    angle = Angles(rng, twisted)
    circuit = QuantumCircuit(n_qubits, global_phase=angle())
    if rng.random() < 0.7:
        circuit.ry(T[0] + T[1] - T[3], 0)
    for kind in kinds:
        _append(circuit, MAKERS[kind](rng, angle, n_qubits), rng)
        if rng.random() < 0.1:
            circuit.barrier(*rng.permutation(n_qubits)[: rng.integers(n_qubits + 1)].tolist())
        if delays and rng.random() < 0.1:
            circuit.delay(100, 0)
    rows = rng.uniform(-4, 4, size=(int(rng.integers(1, 4)), circuit.num_parameters))
    rows[:, rng.random(circuit.num_parameters) < 0.3] = rows[:1, :1] if rows.size else 0.0
    rows[rng.random(rows.shape) < 0.15] = 0.0
    return Drawn(circuit, rows, angle.is_affine)


def draw_observable(seed: int, n_qubits: int) -> SparseObservable:
    """Return up to four random terms of Pauli letters and projectors, the identity among them."""
    rng = np.random.default_rng([seed, 1])
    letters = ["XYZ", "Z", "Z01", "XYZ+-rl01"][rng.integers(4)]
    terms = []
    for _ in range(rng.integers(1, 5)):
        size = int(rng.integers(0, n_qubits + 1))
        qubits = [int(q) for q in rng.choice(n_qubits, size, replace=False)]
        terms.append(("".join(rng.choice([*letters], size)), qubits, float(rng.normal())))
    return SparseObservable.from_sparse_list(terms, n_qubits)


def _append(circuit: QuantumCircuit, gate: Operation, rng: Generator) -> None:
    if gate.num_qubits <= circuit.num_qubits and not gate.num_clbits:
        qubits = rng.permutation(circuit.num_qubits)[: gate.num_qubits].tolist()
        circuit.append(gate, qubits)
