"""Does a vendor's backend measure what was asked? Tried before any of its numbers is believed.

At least one well-known vendor's simulator answers zeros to everything through Qiskit's sampler
and the truth through ``run().get_counts()``; others order bits or registers in ways of their own.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter
from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2
from qiskit.quantum_info import Pauli, Statevector
from qiskit.transpiler import PassManager

from qrec.backends.vendor.device import VendorError
from qrec.backends.vendor.process import AnyVendor
from qrec.backends.vendor.results import Bits, Pub
from qrec.errors import RejectedError

SHOTS = 100
SEEDS = (5, 5, 6)


@dataclass(frozen=True)
class Check:
    """A circuit and its outcomes, all equally likely, written as Qiskit's counts are."""

    name: str
    circuit: QuantumCircuit
    expected: tuple[str, ...]
    angle: float | None = None


@dataclass(frozen=True)
class Transpiling:
    """How circuits are transpiled; with `bind_first` after their parameters are bound."""

    level: int
    seed: int
    bind_first: bool = False


@cache
def failures(vendor: AnyVendor, route: str, how: Transpiling) -> list[str]:
    """Return what goes wrong by a route, one line per check that fails; run once per process."""
    asked = [_bound_check(check) for check in checks()] if how.bind_first else checks()
    try:
        isa = vendor.transpile([check.circuit for check in asked], how.level, how.seed)
        results = vendor.run(
            [_pub(check, circuit) for check, circuit in zip(asked, isa, strict=True)],
            SHOTS, route, None,
        )  # fmt: skip
    except VendorError as error:
        return [str(error)]
    found = [_found(check, bits) for check, bits in zip(asked, results, strict=True)]
    return [line for line in found if line]


@cache
def disobeys_seed(vendor: AnyVendor, route: str, how: Transpiling) -> str | None:
    """Return what goes wrong when ``seed_simulator`` is given, or None; run once per process."""
    circuit = QuantumCircuit(3, 3)
    circuit.h(range(3))
    circuit.measure(range(3), range(3))
    [isa] = vendor.transpile([circuit], how.level, how.seed)
    pub: Pub = (isa, [], np.zeros((1, 0)))
    try:
        found = [vendor.run([pub], SHOTS, route, seed)[0]["c"] for seed in SEEDS]
    except VendorError as error:
        return str(error)
    one, same, other = (np.sort(bits, axis=1) for bits in found)  # counts know no order
    if not np.array_equal(one, same):
        return "the same seed twice gave different shots"
    return "two seeds gave the same shots" if np.array_equal(one, other) else None


def most_executions(routes: Sequence[str], seeded: bool) -> int:
    """Return how much the self-test runs where only the last of `routes` passes."""
    return (len(routes) * len(checks()) + (len(SEEDS) if seeded else 0)) * SHOTS


def checks() -> list[Check]:
    """Return the self-test: X, bit order, part of the qubits, an angle, Bell, two registers."""
    angle = QuantumCircuit(3, 3)
    angle.rx(Parameter("angle"), 1)
    bell = QuantumCircuit(2)
    bell.h(0)
    bell.cx(0, 1)
    bell.measure_all()
    part = QuantumCircuit(3, 2)
    part.x(2)
    part.measure([1, 2], [0, 1])
    two = QuantumCircuit(
        QuantumRegister(3, "q"), ClassicalRegister(1, "one"), ClassicalRegister(2, "two")
    )
    two.x([0, 2])
    two.measure(range(3), range(3))
    return [
        Check("X on qubit 0 of 3", _x(0), ("001",)),
        Check("X on qubit 2 of 3", _x(2), ("100",)),
        Check("X on qubit 2, qubits 1 and 2 measured", part, ("10",)),
        Check("RX(pi) on qubit 1 of 3", _measured(angle), ("010",), np.pi),
        Check("RX(0) on qubit 1 of 3", _measured(angle), ("000",), 0.0),
        Check("Bell pair", bell, ("00", "11")),
        Check("X on qubits 0 and 2, registers of 1 and 2 bits", two, ("10 1",)),
    ]


def check_sampler(sampler: BaseSamplerV2, passes: PassManager, name: str) -> None:
    """Run the self-test through a sampler; raise RejectedError with what is wrong with it."""
    asked = checks()
    isa = passes.run([check.circuit for check in asked])
    pubs = [(circuit, _bound(check), SHOTS) for check, circuit in zip(asked, isa, strict=True)]
    try:
        results = list(sampler.run(pubs).result())
    except Exception as error:  # anybody's code, failing in a way of its own
        raise RejectedError(f"{name} fails the self-test: {error}") from error
    bits = [
        {key: found.array.reshape(1, *found.array.shape[-2:]) for key, found in one.data.items()}
        for one in results
    ]
    found = [_found(check, one) for check, one in zip(asked, bits, strict=True)]
    _refuse([line for line in found if line], name)


def check_estimator(estimator: BaseEstimatorV2, passes: PassManager, name: str) -> None:
    """Run the self-test through an estimator: Z on each qubit, and on all of them.

    Raises RejectedError with what is wrong with it.
    """
    asked, said = checks(), []
    circuits = [check.circuit.remove_final_measurements(inplace=False) for check in asked]
    observables = [_parities(circuit.num_qubits) for circuit in circuits]
    isa = passes.run(circuits)
    pubs = [
        (circuit, observed, _bound(check), 1 / np.sqrt(SHOTS))
        for check, circuit, observed in zip(asked, isa, observables, strict=True)
    ]
    try:
        values = [result.data.evs.ravel() for result in estimator.run(pubs).result()]
    except Exception as error:  # anybody's code, failing in a way of its own
        raise RejectedError(f"{name} fails the self-test: {error}") from error
    for check, circuit, observed, found in zip(asked, circuits, observables, values, strict=True):
        bound = circuit if check.angle is None else circuit.assign_parameters([check.angle])
        expected = [Statevector(bound).expectation_value(Pauli(one)).real for one in observed]
        if not np.allclose(found, expected, atol=0.5):
            wanted = ", ".join(
                f"<{one}> = {value:+.0f}" for one, value in zip(observed, expected, strict=True)
            )
            said.append(f"{check.name}: found {found.round(2)}; expected {wanted}")
    _refuse(said, name)


def _refuse(said: list[str], name: str) -> None:
    if said:
        text = "\n  ".join([f"{name} fails the self-test, so nothing is run:", *said])
        raise RejectedError(text)


def _bound_check(check: Check) -> Check:
    """Return a check whose circuit has its angle in place of the parameter."""
    if check.angle is None:
        return check
    return replace(check, circuit=check.circuit.assign_parameters([check.angle]), angle=None)


def _bound(check: Check) -> dict[str, list[float]] | None:
    return None if check.angle is None else {"angle": [check.angle]}


def _parities(n_qubits: int) -> list[str]:
    """Return Z on each qubit alone, and on all."""
    alone = ["I" * (n_qubits - 1 - q) + "Z" + "I" * q for q in range(n_qubits)]
    return [*alone, "Z" * n_qubits]


def _x(qubit: int) -> QuantumCircuit:
    circuit = QuantumCircuit(3, 3)
    circuit.x(qubit)
    return _measured(circuit)


def _measured(circuit: QuantumCircuit) -> QuantumCircuit:
    circuit = circuit.copy()
    circuit.measure(range(3), range(3))
    return circuit


def _pub(check: Check, circuit: QuantumCircuit) -> Pub:
    if check.angle is None:
        return circuit, [], np.zeros((1, 0))
    return circuit, ["angle"], np.array([[check.angle]])


def _found(check: Check, bits: Bits) -> str:
    """Return what is wrong with what came for a check, or nothing."""
    names = [register.name for register in reversed(check.circuit.cregs)]
    if missing := [name for name in names if name not in bits]:
        return f"{check.name}: no register {missing[0]!r} among {sorted(bits)}"
    columns = [_outcomes(bits[r.name][0], r.size) for r in reversed(check.circuit.cregs)]
    counts = Counter(" ".join(outcome) for outcome in zip(*columns, strict=True))
    n = counts.total()
    least = n / len(check.expected) / 2
    # Halfway between coins and certainty: noise may be strong, a mistake gives next to nothing.
    n_outcomes = 2 ** sum(register.size for register in check.circuit.cregs)
    share = (1 + len(check.expected) / n_outcomes) / 2
    enough = sum(counts[outcome] for outcome in check.expected) >= share * n
    if n == SHOTS and enough and all(counts[outcome] >= least for outcome in check.expected):
        return ""
    top = ", ".join(f"{outcome} {count} times" for outcome, count in counts.most_common(3))
    return f"{check.name}: found {top}; expected {' or '.join(check.expected)}, {SHOTS} times"


def _outcomes(packed: NDArray[np.uint8], size: int) -> list[str]:
    """Return `(shots, bytes)` as strings of 0 and 1, bit 0 last."""
    bits = np.unpackbits(packed, axis=-1)[:, -size:]
    return ["".join(map(str, row)) for row in bits]


def admitted(vendor: AnyVendor, routes: Sequence[str], how: Transpiling) -> str:
    """Return the first of `routes` that passes the self-test.

    Raises VendorError, with what each route found, where none does.
    """
    said = {}
    for route in routes:
        said[route] = failures(vendor, route, how)
        if not said[route]:
            return route
    lines = [f"by {route}: {line}" for route, found in said.items() for line in found]
    raise VendorError("failed", "\n  ".join(["it fails the self-test, so nothing is run:", *lines]))
