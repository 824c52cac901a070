"""A circuit as a recommender: what may be one, how it is trained, and what it asks."""

import numpy as np
import pytest
import torch
from qiskit import QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter, ParameterVector
from qiskit.quantum_info import SparseObservable

from qrec.backends import open_backend
from qrec.backends.base import Backend
from qrec.backends.workload import Reading, Workload
from qrec.data import Split, load_ratings, split
from qrec.errors import ConfigError
from qrec.recommenders import AngleNet, CircuitRecommender, load_recommender
from qrec.recommenders._angle_training import MeasuredExpectation
from qrec.recommenders._observable import read_observable


@pytest.fixture(scope="module")
def parts() -> Split:
    return split(load_ratings(n_users=60, n_items=80, n_ratings=1500), seed=1)


def ladder(n_items: int = 3) -> QuantumCircuit:
    """Two user angles, three of an item, weights in pairs of gates and in an affine angle."""
    u, v = ParameterVector("angle", 2), ParameterVector("film", n_items)
    w = ParameterVector("w", 3)
    circuit = QuantumCircuit(QuantumRegister(3, "q"), name="ladder")
    circuit.rx(u[0], 0)
    circuit.ry(u[1] + 0.4, 1)
    circuit.rz(2 * v[0] - 0.5 * w[0] + 0.1, 0)
    circuit.ry(v[1], 2)
    circuit.cx(0, 1)
    circuit.crx(w[0], 1, 2)  # a controlled rotation, with a weight that stands elsewhere too
    circuit.rzz(w[1] * 1.5 + v[2], 0, 2)
    circuit.h(0)
    circuit.cp(w[2] - u[0], 0, 1)
    circuit.u(w[1], 0.3, w[2], 1)
    circuit.ry(w[2], 0)
    return circuit


NAMES = {"user": "angle", "item": "film", "weights": "w"}


def test_parameter_shift_gives_the_exact_engines_gradient() -> None:
    circuit, rng = ladder(), np.random.default_rng(4)
    observable = read_observable("0.7 Z0 - 0.2 Z1 Z2 + Z2", 3)
    values = {"angle": rng.normal(size=(5, 2)), "film": rng.normal(size=(5, 3)),
              "w": rng.normal(size=3)}  # fmt: skip
    weight = torch.from_numpy(rng.normal(size=5))
    found = []
    backend = open_backend(None)
    measured = MeasuredExpectation(backend, circuit, observable)
    for expectation in (backend.expectation(circuit, observable), measured):
        tensors = {k: torch.tensor(x, requires_grad=True) for k, x in values.items()}
        value = expectation(tensors)
        (weight * value**2).sum().backward()
        found.append([value.detach(), *(t.grad for t in tensors.values())])
    for exact, shifted in zip(*found, strict=True):
        np.testing.assert_allclose(shifted, exact, atol=1e-9)
        assert np.abs(exact.numpy()).min() > 1e-6  # no gradient here is zero by itself


def test_a_parameter_inside_a_product_is_refused() -> None:
    circuit, (u, v) = QuantumCircuit(1), ParameterVector("u", 2)
    circuit.rx(u * v, 0)
    with pytest.raises(ConfigError, match=r"angle u\[0\]\*u\[1\].*affine"):
        MeasuredExpectation(open_backend(None), circuit, read_observable("Z0", 1))


def test_a_measurement_is_refused_by_name() -> None:
    circuit = QuantumCircuit(1, 1)
    circuit.rx(Parameter("u"), 0)
    circuit.reset(0)
    with pytest.raises(ConfigError, match="has the instruction 'reset'"):
        MeasuredExpectation(open_backend(None), circuit, read_observable("Z0", 1))


@pytest.mark.parametrize("training", ["exact", "parameter_shift"])
def test_any_circuit_learns(parts: Split, training: str) -> None:
    model = CircuitRecommender(
        ladder(), "Z0 + Z2", **NAMES, training=training, n_epochs=4, batch_size=200,
        learning_rate=0.05,
    ).fit(parts.train, validation=parts.validation)  # fmt: skip
    assert model.history_.min() < model.history_[0] - 0.03
    assert -model.score(parts.validation) == pytest.approx(model.history_.min(), abs=1e-3)
    assert model.user_angles_.shape == (60, 2)
    assert model.item_angles_.shape == (80, 3)
    assert {p.vector.name for p in model.fitted_circuit().parameters} == {"angle", "film"}


def test_both_gradients_train_alike(parts: Split) -> None:
    models = [
        CircuitRecommender(
            ladder(), **NAMES, training=training, n_epochs=2, max_iter=3, batch_size=100
        ).fit(parts.train)
        for training in ("exact", "parameter_shift")
    ]
    exact, shifted = models
    np.testing.assert_allclose(shifted.theta_, exact.theta_, atol=1e-4)
    np.testing.assert_allclose(shifted.user_angles_, exact.user_angles_, atol=1e-4)
    assert len(exact.history_) == 2  # the start, and the epoch that three steps ended


def test_what_is_not_to_be_trained_stays(parts: Split) -> None:
    circuit = QuantumCircuit(1)
    circuit.ry(Parameter("u"), 0)
    circuit.rx(ParameterVector("v", 1)[0], 0)
    model = CircuitRecommender(circuit, weights=None, biases=False, gain=2, n_epochs=1)
    model.fit(parts.train, validation=parts.validation)
    assert model.theta_.shape == (0,)
    assert not model.user_bias_.any()
    assert model.gain_ != 2
    expected = model.mean_ + model.gain_ * np.cos(model.user_angles_[3, 0]) * np.cos(
        model.item_angles_[4, 0]
    )
    assert model.predict(np.array([[3, 4]]))[0] == pytest.approx(np.clip(expected, 1, 5))


class Asking(Backend):
    """A backend that answers exactly and keeps what it was asked."""

    def __init__(self) -> None:
        self._inner = open_backend(None)
        super().__init__(self._inner.spec)
        self.asked: list[list[Workload]] = []

    def run(self, workloads, advance=None) -> list[Reading]:
        self.asked.append(list(workloads))
        return self._inner.run(workloads, advance)


for _name in Backend.__abstractmethods__:
    setattr(Asking, _name, None)
Asking.__abstractmethods__ = frozenset()


@pytest.mark.parametrize("max_iter", [None, 5])
def test_a_step_is_one_question_and_all_are_announced(parts: Split, max_iter: int | None) -> None:
    backend = Asking()
    model = CircuitRecommender(
        ladder(), **NAMES, training="parameter_shift", training_backend=backend, n_epochs=2,
        batch_size=300, max_iter=max_iter, patience=5,
    )  # fmt: skip
    announced = model.questions(parts.train, parts.validation)
    assert not backend.asked
    model.fit(parts.train, validation=parts.validation)
    assert {len(question) for question in backend.asked} == {1}
    keys = [question[0].key for question in backend.asked]
    assert len(set(keys)) == len(keys)
    assert sum(one.times for one in announced) == len(backend.asked)
    step, epoch = (one.workloads[0] for one in announced)
    sizes = [len(question[0]) for question in backend.asked]
    n_gates = step.circuit.num_parameters
    assert len(step) == 300 * (1 + 2 * n_gates)
    assert max(sizes) == len(step)
    assert sizes.count(len(epoch)) == announced[1].times
    assert all(one.backend is backend for one in announced)


def test_exact_training_asks_nothing_through_a_question(parts: Split) -> None:
    assert CircuitRecommender(ladder(), **NAMES).questions(parts.train) == []


def test_training_by_shots_learns_and_can_be_repeated(parts: Split) -> None:
    circuit = QuantumCircuit(1)
    circuit.ry(Parameter("u") + Parameter("v"), 0)
    params = {
        "weights": None, "training": "parameter_shift", "n_epochs": 2, "batch_size": 300,
        "training_backend": {"kind": "exact", "shots": 200, "seed_simulator": 3},
        "learning_rate": 0.1,
    }  # fmt: skip
    first, second = (
        CircuitRecommender(circuit, **params).fit(parts.train, validation=parts.validation)
        for _ in range(2)
    )
    assert first.history_.min() < first.history_[0]
    np.testing.assert_array_equal(first.user_angles_, second.user_angles_)


def test_the_angle_net_is_a_preset(parts: Split) -> None:
    from qrec.circuits.angle_net import angle_net

    net = AngleNet(n_factors=2, n_layers=2, n_epochs=2, random_state=3).fit(parts.train)
    same = CircuitRecommender(angle_net(2, 2, "chain"), n_epochs=2, random_state=3)
    same.fit(parts.train)
    np.testing.assert_array_equal(same.predict(parts.test), net.predict(parts.test))
    shifted = AngleNet(2, 1, n_epochs=1, max_iter=1, training="parameter_shift").fit(parts.train)
    assert shifted.theta_.shape == (4,)


def test_a_circuit_is_saved_with_the_model(parts: Split, tmp_path) -> None:
    observable = SparseObservable.from_sparse_list([("ZZ", [0, 2], 0.5), ("Z", [1], 1.0)], 3)
    model = CircuitRecommender(ladder(), observable, **NAMES, n_epochs=1).fit(parts.train)
    model.save(tmp_path)
    loaded = load_recommender(tmp_path)
    assert loaded.circuit == model.circuit
    assert loaded.observable == observable
    np.testing.assert_array_equal(loaded.predict(parts.test), model.predict(parts.test))


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"user": "u"}, r"user is 'u'; expected one of .*'ladder', which are angle \(2\), film"),
        ({"weights": "theta"}, r"weights is 'theta'; .* w \(3\); None where it has no weights"),
        ({"weights": None}, r"are angle, film; expected each parameter .* once, .* w \(3\)"),
        ({"item": "angle"}, "are angle, angle, w; expected each"),
        ({"observable": "X0"}, "observable is 'X0', but 'X0' is no term; expected one like Z0"),
        ({"observable": "XIZ"}, "not diagonal"),
        ({"observable": "Z3"}, r"qubits \[3\]; .* the qubits 0 to 2"),
        ({"observable": "ZZ"}, "it is on 2 qubits"),
        ({"observable": 3}, "observable is 3; expected a string or a SparseObservable"),
        ({"circuit": "no_circuit"}, "unknown circuit 'no_circuit'"),
        ({"circuit": "my:own"}, "code of your own"),
        ({"circuit": 7}, "circuit is 7; expected a QuantumCircuit or a string"),
        ({"training": "spsa"}, "training is 'spsa'; expected 'exact' or 'parameter_shift'"),
        ({"training_backend": "aer_ideal"}, "gives no gradients.*parameter_shift"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(parts: Split, params: dict, said: str) -> None:
    given = {"circuit": ladder()} | NAMES | params
    with pytest.raises(ConfigError, match=said):
        CircuitRecommender(**given).fit(parts.train)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("Z0", [("Z", [0], 1.0)]),
        ("Z0 Z1", [("ZZ", [0, 1], 1.0)]),
        ("Z0 + 0.5 Z2", [("Z", [0], 1.0), ("Z", [2], 0.5)]),
        ("-Z1 - 2e-1*Z0Z2", [("Z", [1], -1.0), ("ZZ", [0, 2], -0.2)]),
        ("IIZ", [("Z", [0], 1.0)]),
    ],
)
def test_observables_as_they_are_written(text: str, terms: list) -> None:
    expected = SparseObservable.from_sparse_list(terms, 3)
    assert read_observable(text, 3).simplify() == expected.simplify()


@pytest.mark.parametrize("text", ["", "Z0 Z0", "Z0 0.5 Z2", "Z", "Z0 +", "2", "Z0 + IIZ"])
def test_observables_that_mean_nothing(text: str) -> None:
    with pytest.raises(ConfigError, match="expected one like Z0"):
        read_observable(text, 3)
