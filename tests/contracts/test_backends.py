"""What every backend keeps: bit order, seeds, one workload one PUB, its calls."""

import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.primitives import StatevectorEstimator, StatevectorSampler
from qiskit.quantum_info import SparseObservable, Statevector
from qiskit_aer import AerSimulator

from qrec.backends import backend_names, open_backend
from qrec.backends.base import Backend
from qrec.backends.workload import Workload
from qrec.errors import ConfigError, MissingError

SHOTS = {"shots": 4096, "seed_simulator": 11, "optimization_level": 1, "seed_transpiler": 11}
SEEDED_ELSEWHERE = {key: value for key, value in SHOTS.items() if key != "seed_simulator"}
VENDOR = {"kind": "provider", "backend": "qiskit_aer:AerSimulator", "free": True, **SHOTS}
OPENERS: dict[str, Callable[[], Backend]] = {
    **{
        name: (lambda name=name: open_backend(name))
        for name in backend_names()
        if open_backend(name).is_local  # a QPU is tried in tests/service
    },
    "a mapping": lambda: open_backend({"kind": "aer", **SHOTS}),
    "a vendor": lambda: open_backend(VENDOR),
    "a vendor apart": lambda: open_backend(VENDOR, python=sys.executable),
    "shots without noise": lambda: open_backend("exact", shots=4096, seed_simulator=11),
    "any BackendV2": lambda: open_backend(AerSimulator(), **SHOTS),
    "any sampler": lambda: open_backend(StatevectorSampler(seed=5), **SEEDED_ELSEWHERE),
    "any estimator": lambda: open_backend(StatevectorEstimator(seed=5), precision=1e-3),
}


@pytest.fixture(params=OPENERS)
def backend(request: pytest.FixtureRequest) -> Backend:
    opened = OPENERS[request.param]()
    try:
        opened.snapshot()
    except MissingError as missing:
        pytest.skip(str(missing))  # an entry of an optional extra
    return opened


def asymmetric_workload(n_rows: int = 6, key: str = "asymmetric") -> Workload:
    """Parameters out of order, qubits treated differently, an observable of unlike terms."""
    x = ParameterVector("x", 3)
    circuit = QuantumCircuit(3)
    circuit.ry(x[2], 0)
    circuit.rx(x[0], 1)
    circuit.ry(2 * x[1] - x[0] + 0.3, 2)
    circuit.cx(0, 1)
    circuit.rz(x[1], 1)
    circuit.h(1)
    observable = SparseObservable.from_sparse_list(
        [("Z", [0], 1.0), ("1", [1], 0.75), ("ZZ", [1, 2], -0.5), ("00", [0, 2], 0.25)], 3
    )
    rows = np.random.default_rng(8).uniform(-np.pi, np.pi, size=(n_rows, 3))
    return Workload(circuit, observable, rows, key)


def exact_values(workload: Workload) -> np.ndarray:
    dense = workload.observables.as_paulis()
    values = []
    for row in workload.parameters:
        state = Statevector(workload.circuit.assign_parameters(row))
        weights = [t.coeff.real * _expect(state, t) for t in dense]
        values.append(sum(weights))
    return np.array(values)


def _expect(state: Statevector, term: SparseObservable.Term) -> float:
    probabilities = state.probabilities()
    index = np.arange(len(probabilities))
    sign = np.ones(len(index))
    for qubit in term.indices:
        sign = sign * (1 - 2 * ((index >> int(qubit)) & 1))
    return float(probabilities @ sign)


def test_agrees_with_dense_algebra_within_its_errors(backend: Backend) -> None:
    workload = asymmetric_workload()
    reading = backend.run([workload])[0]
    exact = exact_values(workload)
    if backend.name in ("aer_noisy", "exact_noisy", "exact_shots"):
        assert np.corrcoef(reading.value, exact)[0, 1] > 0.98
        assert np.abs(reading.value - exact).max() < 0.25
    else:
        slack = 1e-3 * 5 if backend.name == "StatevectorEstimator" else 1e-9
        assert np.all(np.abs(reading.value - exact) < 5 * reading.stderr + slack)


def test_says_how_sure_it_is(backend: Backend) -> None:
    reading = backend.run([asymmetric_workload()])[0]
    assert reading.shots == backend.shots
    if reading.shots is None:
        assert not reading.stderr.any()
    else:
        assert np.all((reading.stderr > 0) & (reading.stderr < 2 / np.sqrt(reading.shots)))


# A primitive handed over by the user keeps a seed of its own.
@pytest.mark.parametrize("name", [n for n in OPENERS if n not in ("any sampler", "any estimator")])
def test_same_seed_same_numbers_whatever_runs_beside(name: str) -> None:
    backend = OPENERS[name]()
    if getattr(backend.spec, "seed_simulator", 0) is None:
        pytest.skip("takes no seed")
    one, two = asymmetric_workload(key="one"), asymmetric_workload(key="two")
    alone = backend.run([one])[0].value
    beside = backend.run([two, one])[1].value
    np.testing.assert_allclose(alone, beside, rtol=0, atol=1e-12)


SAMPLED = ["aer_ideal", "exact_shots"]


@pytest.mark.parametrize("name", SAMPLED)
def test_workloads_of_one_run_draw_their_own_shots(name: str) -> None:
    one, two = asymmetric_workload(key="one"), asymmetric_workload(key="two")
    readings = open_backend(name).run([one, two])
    assert np.any(readings[0].value != readings[1].value)


@pytest.mark.parametrize("name", SAMPLED)
def test_rows_draw_their_own_shots(name: str) -> None:
    workload = asymmetric_workload(1)
    same = np.repeat(workload.parameters, 30, axis=0)
    reading = open_backend(name).run(
        [Workload(workload.circuit, workload.observables, same, "same")]
    )[0]
    assert 0.6 < reading.value.std(ddof=1) / reading.stderr.mean() < 1.5


def test_one_workload_is_one_pub(backend: Backend) -> None:
    units = backend.prepare([asymmetric_workload(6), asymmetric_workload(9)])
    estimate = backend.estimate(units)
    assert len(units) == estimate.pubs == 2
    assert estimate.evaluations == 15
    assert estimate.executions == 15 * (backend.shots or 0)


def test_isa_circuits_fit_the_target() -> None:
    backend = open_backend("aer_noisy")
    units = backend.prepare([asymmetric_workload()])
    assert backend.target is not None
    for instruction in units[0].circuit.data:
        qubits = tuple(units[0].circuit.find_bit(q).index for q in instruction.qubits)
        assert backend.target.instruction_supported(instruction.operation.name, qubits)


def test_a_job_goes_by_its_uid(backend: Backend) -> None:
    units = backend.prepare([asymmetric_workload()])
    assert backend.find("u1") is None
    job = backend.send(units[:1], "u1")
    assert backend.find("u1") == job
    assert backend.poll(job) == "DONE"
    backend.cancel(job)
    assert backend.poll(job) == "CANCELLED"


def test_snapshot_is_plain_and_names_its_settings(backend: Backend) -> None:
    import json

    snapshot = json.loads(json.dumps(backend.snapshot()))
    assert snapshot["spec"] == backend.spec.model_dump(mode="json")


def test_a_workload_without_parameters_is_evaluated_too(backend: Backend) -> None:
    circuit = QuantumCircuit(2)
    circuit.x(1)
    observable = SparseObservable.from_sparse_list([("Z", [0], 1.0), ("Z", [1], 2.0)], 2)
    reading = backend.run([Workload(circuit, observable, np.zeros((2, 0)), "bits")])[0]
    np.testing.assert_allclose(reading.value, [-1.0, -1.0], atol=0.25)


JOINT = [
    [("Z", [0], 1.0), ("1", [1], 0.75), ("ZZ", [1, 2], -0.5), ("00", [0, 2], 0.25)],
    [("Z", [2], 1.0)],
    [("0", [0], 1.0)],
    [("1", [0], 1.0)],
    [("01", [1, 3], 2.0)],  # qubit 3 stays 0: exactly 0
    [("", [], 3.0)],
]


def joint_workload(n_rows: int = 6, key: str = "joint") -> Workload:
    """Observables of unlike qubits, of all and of none, on the asymmetric circuit and one more."""
    one = asymmetric_workload(n_rows)
    circuit = QuantumCircuit(4)
    circuit.compose(one.circuit, [0, 1, 2], inplace=True)
    observables = [SparseObservable.from_sparse_list(terms, 4) for terms in JOINT]
    return Workload(circuit, observables, one.parameters, key)


def each(workload: Workload) -> list[Workload]:
    """Return a joint workload's observables as workloads of their own."""
    return [replace(workload, observables=one) for one in workload.observable_list]


def test_joint_observables_agree_with_dense_algebra(backend: Backend) -> None:
    workload = joint_workload()
    reading = backend.run([workload])[0]
    exact = np.column_stack([exact_values(one) for one in each(workload)])
    assert reading.value.shape == reading.stderr.shape == exact.shape == (6, len(JOINT))
    assert reading.shots == backend.shots
    assert np.abs(exact[:, 4]).max() == 0.0
    if backend.name in ("aer_noisy", "exact_noisy", "exact_shots"):
        for column in range(4):
            assert np.corrcoef(reading.value[:, column], exact[:, column])[0, 1] > 0.98
        assert np.abs(reading.value - exact).max() < 0.25
    else:
        slack = 1e-3 * 15 if backend.name == "StatevectorEstimator" else 1e-9
        assert np.all(np.abs(reading.value - exact) < 5 * reading.stderr + slack)
    if backend.shots is None:
        assert not reading.stderr.any()
    else:
        np.testing.assert_array_equal(reading.stderr > 0, [[1, 1, 1, 1, 1, 0]] * 6)


def test_joint_observables_are_read_from_the_same_shots(backend: Backend) -> None:
    if backend.name == "StatevectorEstimator":
        pytest.skip("the primitive adds an error of its own to every value")
    value = backend.run([joint_workload(40)])[0].value
    np.testing.assert_allclose(value[:, 2] + value[:, 3], 1.0, rtol=0, atol=1e-12)


def test_which_qubit_is_which(backend: Backend) -> None:
    """Both orders of bits and of observables: the first qubit is not the last."""
    circuit = QuantumCircuit(9)
    circuit.x(0)
    ones = [SparseObservable.from_sparse_list([("1", [q], 1.0)], 9) for q in (8, 0, 5)]
    for observables, expected in ((ones, [0.0, 1.0, 0.0]), (ones[::-1], [0.0, 1.0, 0.0])):
        reading = backend.run([Workload(circuit, observables, np.empty((2, 0)), "order")])[0]
        np.testing.assert_allclose(reading.value, [expected] * 2, atol=0.1)
        if "noisy" not in backend.name and backend.name != "exact_shots":
            np.testing.assert_allclose(reading.value, [expected] * 2, atol=5e-3)


@pytest.mark.parametrize("name", [n for n in OPENERS if n not in ("any sampler", "any estimator")])
def test_one_observable_in_a_sequence_is_a_column(name: str) -> None:
    backend = OPENERS[name]()
    if getattr(backend.spec, "seed_simulator", 0) is None:
        pytest.skip("takes no seed")
    alone = asymmetric_workload()
    sequence = replace(alone, observables=[alone.observables])
    one, column = (backend.run([asked])[0] for asked in (alone, sequence))
    np.testing.assert_array_equal(column.value, one.value[:, None])
    np.testing.assert_array_equal(column.stderr, one.stderr[:, None])


@pytest.mark.parametrize(
    ("observables", "said"),
    [([], "no observable"), ([SparseObservable("IZ"), SparseObservable("Z")], "on 1 qubits")],
)
def test_observables_that_do_not_fit_are_refused(observables: list, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Workload(QuantumCircuit(2), observables, np.empty((1, 0)), "w")
