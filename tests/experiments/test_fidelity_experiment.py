"""Labels against Qiskit's, circuits that hang on their number alone, no test circuit seen."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit, generate_preset_pass_manager
from qiskit.quantum_info import Operator, Statevector, hellinger_fidelity
from step_by_step import do_steps

from qrec.backends.device.snapshots import open_snapshot
from qrec.backends.open import open_backend
from qrec.errors import ConfigError
from qrec.experiments.fidelity import Fidelity, PredictorRow
from qrec.experiments.fidelity.circuits import (
    FAMILIES,
    clifford_circuit,
    own_circuit,
    random_layout,
)
from qrec.experiments.fidelity.labels import LOWEST_R2, Device, Labelled, labels
from qrec.experiments.fidelity.lstm import read
from qrec.experiments.fidelity.predictors import FORMULA, LSTM, UNTRAINED, predictions
from qrec.runner.load import load
from qrec.runner.run import run
from qrec.types import of_type

SPEC: dict[str, Any] = {
    "schema_version": 1, "kind": "fidelity", "name": "small", "title": "small", "seed": 2,
    "n_own": 48, "n_clifford": 24, "n_epochs": 1,
}  # fmt: skip
TARGET = open_snapshot("fake:FakeNairobiV2").device.target
DEVICE = Device(TARGET, "nairobi")


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def experiment(**changes: Any) -> Fidelity:
    found = load(deepcopy(SPEC) | changes)
    assert isinstance(found, Fidelity)
    return found


@pytest.fixture(scope="module")
def found() -> Labelled:
    circuits = [own_circuit(family, rng(1)) for family in FAMILIES for _ in range(2)]
    places = [random_layout(TARGET.build_coupling_map(), c.num_qubits, rng(3)) for c in circuits]
    return DEVICE.labelled(circuits, places, 1)


@pytest.mark.parametrize("family", FAMILIES)
def test_circuits_of_a_family_differ_and_fit(family: str) -> None:
    one, other = own_circuit(family, rng(1)), own_circuit(family, rng(2))
    assert not one.num_parameters
    assert one.num_qubits <= 5
    assert one != other
    assert one == own_circuit(family, rng(1))


def test_benchmarking_sequences_are_the_identity() -> None:
    for seed in range(5):
        circuit = clifford_circuit(rng(seed))
        assert Operator(circuit).equiv(np.eye(2**circuit.num_qubits))


def test_layouts_are_connected() -> None:
    coupling = TARGET.build_coupling_map()
    for seed in range(20):
        layout = random_layout(coupling, 4, rng(seed))
        assert len(set(layout)) == 4
        assert coupling.reduce(layout, check_if_connected=True).size() == 4


def test_labels_are_those_of_a_noisy_simulator() -> None:
    """Against shots of Aer with the same snapshot, transpiled alike."""
    circuit = own_circuit("swap_test", rng(4))
    layout = list(range(circuit.num_qubits))
    found = DEVICE.labelled([circuit], [layout], 1)
    backend = open_backend(
        {"kind": "aer", "snapshot": "fake:FakeNairobiV2", "shots": 50_000, "seed_simulator": 1,
         "optimization_level": 1, "seed_transpiler": 0}
    )  # fmt: skip
    measured = circuit.copy()
    measured.measure_all()
    isa = generate_preset_pass_manager(
        1, target=TARGET, initial_layout=layout, seed_transpiler=0
    ).run(measured)
    counts = backend.sampler().run([(isa,)], shots=50_000).result()[0].data.meas.get_counts()
    ideal = Statevector(circuit).probabilities_dict()
    assert found.labels[0, 1] == pytest.approx(hellinger_fidelity(counts, ideal), abs=0.01)
    assert found.success[0] < found.labels[0, 0] < 1


def test_a_uniform_outcome_has_the_lowest_r2_that_counts() -> None:
    uniform = np.full(4, 0.25)
    assert labels(uniform, np.array([0.4, 0.2, 0.2, 0.2]))[0] == LOWEST_R2
    nearly = np.array([0.2501, 0.2499, 0.25, 0.25])
    assert labels(nearly, np.array([0.4, 0.2, 0.2, 0.2]))[0] == LOWEST_R2
    assert labels(nearly, nearly) == pytest.approx([1.0, 1.0])


def test_words_say_every_gate_at_its_time_and_what_is_measured() -> None:
    circuit = QuantumCircuit(7)
    circuit.sx(1)
    circuit.cx(1, 3)
    circuit.x(5)
    words = DEVICE.words(circuit, [3, 5])
    number = DEVICE.vocabulary
    expected = np.zeros((3, 7), int)
    expected[0, 1], expected[0, 5] = number["sx", (1,)], number["x", (5,)]
    expected[1, [1, 3]] = number["cx", (1, 3)]
    expected[2, [3, 5]] = number["measure", (3,)], number["measure", (5,)]
    np.testing.assert_array_equal(words, expected)
    assert number["cx", (1, 3)] != number["cx", (3, 1)]


def test_numbers_of_words_are_the_same_in_every_process() -> None:
    assert DEVICE.gates == sorted(DEVICE.gates)
    assert list(DEVICE.vocabulary)[:2] == [("cx", (0, 1)), ("cx", (1, 0))]


def test_rows_of_labelled_circuits_keep_their_words(found: Labelled) -> None:
    some = found[np.array([5, 2])]
    alone = found[np.array([2])]
    np.testing.assert_array_equal(some.words[some.lengths[0] :], alone.words)
    np.testing.assert_array_equal(some.labels[1], alone.labels[0])
    assert len(some.words) == some.lengths.sum()


def test_no_predictor_sees_a_test_label(found: Labelled) -> None:
    train, test = found[np.arange(10)], found[np.arange(10, 16)]
    blind = replace(test, labels=1 - test.labels)
    assert set(UNTRAINED) < set(predictions(train, test, 0, 1))
    for target in (0, 1):
        one, other = (predictions(train, part, target, 1) for part in (test, blind))
        for name, predicted in one.items():
            np.testing.assert_array_equal(predicted, other[name])
    n_words = len(DEVICE.vocabulary) + 1
    one, other = (read(train, train, [part], n_words, 2, 1)[0] for part in (test, blind))
    np.testing.assert_array_equal(one, other)


def test_the_lstm_learns_what_words_say(found: Labelled) -> None:
    """Fitted to a few circuits it tells them apart, each predicted alone as among others."""
    n_words = len(DEVICE.vocabulary) + 1
    [told, alone] = read(found, found, [found, found[np.array([7])]], n_words, 60, 1)
    assert np.corrcoef(told[:, 0], found.labels[:, 0])[0, 1] > 0.8
    np.testing.assert_allclose(alone[0], told[7], atol=1e-5)


def test_circuits_hang_on_their_number_alone() -> None:
    more, fewer = experiment(n_own=60), experiment()
    assert more._circuit("own", 9) == fewer._circuit("own", 9)
    steps = {step.name: step for step in experiment(n_own=510).steps()}
    assert [name for name in steps if name.startswith("own")] == ["own.0", "own.1", "own.2"]


def test_families_held_out_are_in_no_training_circuit(monkeypatch: pytest.MonkeyPatch) -> None:
    held = experiment(held_out=["angle_net", "fable"])
    parts: dict[str, Any] = {}

    def note(*arguments: Any) -> None:
        _, _, parts["train"], parts["validation"], tests = arguments
        parts.update(tests)

    outcomes = {s.name: s.do(_Quiet(), {}) for s in held.steps() if s.name.startswith("own")}
    monkeypatch.setattr(Fidelity, "_scored", note)
    held._by_family(_Quiet(), outcomes)
    all_own = held._labelled("own", outcomes)
    number = np.arange(48) % len(FAMILIES)
    held_rows = np.isin(np.array(list(FAMILIES))[number], ["angle_net", "fable"])
    np.testing.assert_array_equal(parts["family"].labels, all_own.labels[held_rows])
    others = {tuple(label) for label in all_own.labels[~held_rows]}
    trained = np.concatenate([parts["train"].labels, parts["validation"].labels])
    assert {tuple(label) for label in trained} == others


class _Quiet:
    def say(self, doing: str) -> None:
        pass


def test_every_predictor_has_a_row_for_every_split_and_target() -> None:
    outcomes = do_steps(experiment())
    rows = of_type(PredictorRow, [row for one in outcomes.values() for row in one.rows])
    splits = {"random", "family", "clifford", "clifford_to_own"}
    assert {row.split for row in rows} == splits
    assert len(rows) == 2 * 4 * 8
    formula = [row for row in rows if row.predictor == FORMULA]
    assert not any(row.trained for row in formula)
    assert all(row.trained for row in rows if row.predictor == LSTM)
    assert {row.n_test for row in rows if row.split == "clifford_to_own"} == {48}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"held_out": ["swap"]}, r"unknown family \(in held_out\).*swap_test"),
        ({"held_out": list(FAMILIES)}, "found all families"),
        ({"n_own": 3}, "n_own.*greater than or equal to 8"),
        ({"snapshot": "FakeNairobiV2"}, "snapshot: "),
    ],
)
def test_what_is_wrong_in_a_file_is_named(changes: dict, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        experiment(**changes)


def test_a_device_with_too_many_words_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"has 133 qubits; expected 5, .* to 20"):
        _ = experiment(snapshot="fake:FakeTorino")._device


@pytest.mark.usefixtures("runs_dir")
def test_tables_and_figure() -> None:
    done = run(deepcopy(SPEC))
    assert [table.columns for table in done.tables] == [
        ["predictor", "random", "family", "Clifford", "to own"]
    ] * 2
    assert (done.folder.path / "figures" / "success.png").read_bytes()[:4] == b"\x89PNG"
    assert max(map(len, done.table().splitlines())) <= 80
    assert "snapshot" in done.folder.record().details
