"""How large a fitted model is, and what reading its circuits would take on a device."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from qiskit import QuantumCircuit

from qrec.backends.device.snapshots import open_snapshot
from qrec.backends.device.transpile import Transpiler
from qrec.experiments.fair.rows import ChoiceRow, CostRow, FittedRow
from qrec.experiments.fair.spec import FairComparisonSpec, Protocol
from qrec.recommenders.base import Recommender
from qrec.types import Row, of_type

_LEVEL, _SEED, _N_SEEDS = 3, 7, 4  # as the entries of backends.yaml have them


def cost_rows(
    spec: FairComparisonSpec,
    protocol: Protocol,
    fitted: Sequence[FittedRow],
    choices: Sequence[Row],
    n_ratings: int,
) -> list[CostRow]:
    """Return the costs of every row of a protocol, mean over its seeds.

    A quantum row needs a reading for every test pair. A hybrid learns from the predictions of
    the circuits within it, and needs one of each for every rating of the data set.
    """
    [choice] = [c for c in of_type(ChoiceRow, choices) if c.protocol == protocol.label]
    names = {repeat.protocol for repeat in protocol.repeats}
    own: dict[str, list[FittedRow]] = {}
    for row in fitted:
        if row.protocol in names:
            own.setdefault(row.recommender, []).append(row)
    seconds = {label: rows[0].execution_seconds for label, rows in own.items()}
    costs = []
    for label, found in own.items():
        readings = _readings(spec, label, choice.test, n_ratings)
        fits = [row.fit_seconds for row in found if row.fit_seconds is not None]
        cost = CostRow(
            recommender=label,
            protocol=protocol.label,
            fit_seconds=float(np.mean(fits)) if fits else None,
            predict_seconds=float(np.mean([row.predict_seconds for row in found])),
            parameters=found[0].parameters,
            qubits=max((own[name][0].qubits or 0 for name in readings), default=None),
            readings=sum(readings.values()),
            executions=spec.shots * sum(readings.values()),
            qpu_seconds=spec.shots * sum(n * (seconds[k] or 0.0) for k, n in readings.items()),
        )
        costs.append(cost)
    return costs


def numbers_kept(model: Recommender) -> int:
    """Return how many numbers a fitted model keeps to predict by, those of its bases included.

    A sampler's are those of all samples that it keeps.
    """
    fitted = {name: value for name, value in vars(model).items() if name.endswith("_")}
    return sum(_numbers(value) for name, value in fitted.items() if name != "scale_")


def execution_seconds(circuit: QuantumCircuit, device: str) -> float:
    """Return the seconds of one execution of a circuit on a device, with the pause before it.

    `device` names a snapshot, as in backends.yaml: ``fake:FakeTorino``.
    """
    snapshot = open_snapshot(device)
    measured = circuit.copy()
    measured.measure_all()
    [isa] = Transpiler(snapshot, _LEVEL, _SEED, _N_SEEDS).run([measured])
    return snapshot.rep_delay + float(isa.estimate_duration(snapshot.device.target, unit="s"))


def _numbers(value: Any) -> int:
    if isinstance(value, np.ndarray):
        return value.size if value.dtype.kind == "f" else 0
    if isinstance(value, Recommender):
        return numbers_kept(value)
    if isinstance(value, Mapping):
        return sum(map(_numbers, value.values()))
    if isinstance(value, list | tuple):
        return sum(map(_numbers, value))
    return int(isinstance(value, float))


def _readings(
    spec: FairComparisonSpec, label: str, n_test: int, n_ratings: int
) -> Mapping[str, int]:
    """Return how many readings of whose circuit a row needs."""
    entry = spec.entry(label)
    if entry.is_quantum:
        return {label: n_test}
    found: dict[str, int] = {}
    for base in entry.references.values():
        found |= dict.fromkeys(_readings(spec, base, n_test, n_ratings), n_ratings)
    return found
