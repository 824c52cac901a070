"""The tensor train against Qiskit's state vector, Aer's density matrix and the dense table."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from drawn import MAKERS, draw, draw_observable
from qiskit import QuantumCircuit, generate_preset_pass_manager
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparseObservable, SparsePauliOp
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel

from qrec.backends.device.snapshots import open_snapshot
from qrec.backends.exact.estimator import ExactEstimator, differing, evaluate
from qrec.backends.exact.expectation import Expectation
from qrec.backends.exact.explain import explain
from qrec.backends.exact.method import evaluator
from qrec.backends.exact.read.noise import DeviceNoise
from qrec.backends.exact.read.question import Question
from qrec.backends.exact.state.statevector import StateVector
from qrec.backends.exact.tensor_train.order import line_order
from qrec.backends.exact.tensor_train.table import TensorTrain
from qrec.backends.exact.tensor_train.train import Truncation, train_of_strings
from qrec.backends.open import open_backend, parse_backend
from qrec.backends.workload import Workload
from qrec.circuits.angle_net import angle_net
from qrec.errors import ConfigError

KINDS = [kind for kind in MAKERS if kind != "of Paulis"]  # some of those are refused
SHAPES = ("chain", "ladder", "bricks")


def pairs_of(shape: str, n: int, layer: int) -> list[tuple[int, int]]:
    if shape == "chain":
        return [(q, q + 1) for q in range(n - 1)]
    if shape == "ladder":  # two rails and their rungs
        rails = [(q, q + 2) for q in range(n - 2)]
        return rails + [(q, q + 1) for q in range(0, n - 1, 2)]
    return [(q, q + 1) for q in range(layer % 2, n - 1, 2)]


def net(seed: int, shape: str, n: int, layers: int = 2) -> QuantumCircuit:
    """Return a net that no two qubits, layers or ends have alike, and that starts from no |0>."""
    rng = np.random.default_rng(seed)
    x, theta = ParameterVector("x", n), ParameterVector("t", 2 * n * layers)
    circuit = QuantumCircuit(n)
    for q in range(n):
        getattr(circuit, rng.choice(["x", "h", "s", "id"]))(q)
        circuit.u(*rng.normal(size=3), q)
        getattr(circuit, rng.choice(["rx", "ry"]))(x[q], q)
    for layer in range(layers):
        for q in range(n):
            circuit.ry(theta[2 * (n * layer + q)], q)
            circuit.rz(0.7 * theta[2 * (n * layer + q) + 1] - 0.2, q)
        for a, b in pairs_of(shape, n, layer):
            a, b = (a, b) if rng.random() < 0.5 else (b, a)
            gate = rng.choice(["cx", "cz", "ecr", "iswap", "rzz", "crx"])
            getattr(circuit, gate)(*([0.4] if gate in ("rzz", "crx") else []), a, b)
    return circuit


def rows_of(circuit: QuantumCircuit, n_rows: int = 3) -> np.ndarray:
    """Return rows that share t, some of their angles exactly 0."""
    rng = np.random.default_rng(circuit.num_qubits)
    rows = rng.normal(size=(n_rows, circuit.num_parameters))
    rows[rng.random(rows.shape) < 0.2] = 0.0
    shared = [p.vector.name == "t" for p in circuit.parameters]
    rows[:, shared] = rows[0, shared]
    return rows


def terms(seed: int, n: int) -> SparseObservable:
    return SparseObservable.from_sparse_list(
        [("ZX", [0, n - 1], 0.7), ("Y", [seed % n], -1.3), ("0+", [n // 2, n - 1], 2.0)], n
    )


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_statevector(seed, shape, oracle) -> None:
    circuit, observable = net(seed, shape, 4 + seed % 3), terms(seed, 4 + seed % 3)
    rows = rows_of(circuit)
    expected = oracle(circuit, observable, rows)
    for dtype, within in (("float64", 1e-9), ("float32", 1e-5)):
        question = Question(circuit, [observable], dtype=dtype)
        found = evaluate(question, rows, "tensor_train")[:, 0]
        np.testing.assert_allclose(found, expected, rtol=0, atol=within)
    turned = Question(circuit.reverse_bits(), [reversed_bits(observable)], circuit.parameters)
    found = evaluate(turned, rows, "tensor_train")[:, 0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


def reversed_bits(observable: SparseObservable) -> SparseObservable:
    n = observable.num_qubits
    return observable.apply_layout(list(range(n))[::-1], n)


@pytest.mark.parametrize("seed", range(8))
def test_agrees_on_circuits_of_all_gates(seed, make_circuit, make_observable, oracle) -> None:
    """Data encoding between the layers joins qubits to wide factors, three-qubit gates too."""
    random, observable = make_circuit(seed, 4, 14), make_observable(seed, 4)
    found = evaluate(Question(random.circuit, [observable]), random.rows(), "tensor_train")
    expected = oracle(random.circuit, observable, random.rows())
    np.testing.assert_allclose(found[:, 0], expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("seed", range(12))
def test_agrees_on_the_whole_library(seed) -> None:
    rng = np.random.default_rng(seed)
    n_qubits = 1 + seed % 4
    drawn = draw(seed, n_qubits, [str(k) for k in rng.choice([*KINDS], 6)], False)
    observable = draw_observable(seed, n_qubits)
    operator = SparsePauliOp.from_sparse_observable(observable.as_paulis())
    found = evaluate(Question(drawn.circuit, [observable]), drawn.rows, "tensor_train")
    np.testing.assert_allclose(found[:, 0], drawn.values(operator), rtol=0, atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_gradients(seed, make_circuit, make_observable) -> None:
    random, observable = make_circuit(seed, 3, 10), make_observable(seed, 3)
    names = list(random.values)
    train, table = (
        Expectation(Question(random.circuit, [observable]), method)
        for method in ("tensor_train", "table")
    )
    start = [torch.tensor(random.values[name], requires_grad=True) for name in names]
    found, expected = (
        torch.autograd.grad(e(dict(zip(names, start, strict=True))).sum(), start)
        for e in (train, table)
    )
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-9)
    assert torch.autograd.gradcheck(
        lambda *given: train(dict(zip(names, given, strict=True))), start, atol=1e-6
    )


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n", [4, 5])  # the two ends meet at a site, or between two
def test_gradients_of_nets(shape, n) -> None:
    circuit = net(1, shape, n)
    train = Expectation(Question(circuit, [terms(1, n)]), "tensor_train")
    rows = rows_of(circuit)
    t, x = rows[0, : 4 * n], rows[:, 4 * n :]
    start = [torch.tensor(value, requires_grad=True) for value in (t, x)]
    assert torch.autograd.gradcheck(lambda t, x: train({"t": t, "x": x}), start, atol=1e-6)
    values = train({"t": start[0], "x": start[1]}).detach().numpy()
    expected = evaluate(Question(circuit, [terms(1, n)]), rows, "statevector")[:, 0]
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-9)


@pytest.fixture(scope="module")
def manila():
    return open_snapshot("fake:FakeManilaV2").device


@pytest.mark.parametrize("shape", SHAPES)
def test_noise_agrees_with_aer_and_the_table(shape, manila) -> None:
    circuit = net(3, shape, 5)
    isa = generate_preset_pass_manager(1, target=manila.target, seed_transpiler=5).run(circuit)
    observable = terms(3, 5).apply_layout(isa.layout)
    question = Question(isa, [observable], circuit.parameters, DeviceNoise(manila.target))
    rows = rows_of(circuit, 2)
    found, dense = (evaluate(question, rows, by)[:, 0] for by in ("tensor_train", "table"))
    np.testing.assert_allclose(found, dense, rtol=0, atol=1e-9)
    model = NoiseModel.from_backend(manila)
    aer = AerSimulator(method="density_matrix", noise_model=model)
    # Read-out errors are the table's own: here gates alone, by an observable without them.
    bare = isa.assign_parameters(dict(zip(circuit.parameters, rows[0], strict=True)))
    bare.save_density_matrix()
    rho = aer.run(bare).result().data()["density_matrix"]
    operator = SparsePauliOp.from_sparse_observable(observable.as_paulis())
    [observed] = Question(
        isa, [observable], circuit.parameters, GatesAlone(manila.target)
    ).observed()
    by_row = differing(rows)
    shared, some = (torch.from_numpy(rows[0, ~by_row]), torch.from_numpy(rows[:, by_row].T.copy()))
    value = TensorTrain(observed, by_row.tolist()).fix(shared)(some)[0]
    assert float(value) == pytest.approx(rho.expectation_value(operator).real, abs=1e-7)


class GatesAlone(DeviceNoise):
    def readout(self, qubit: int) -> np.ndarray:
        return np.eye(4)


def test_gradients_under_noise(manila) -> None:
    circuit = net(2, "chain", 4)
    isa = generate_preset_pass_manager(1, target=manila.target, seed_transpiler=5).run(circuit)
    observable = terms(2, 4).apply_layout(isa.layout)
    question = Question(isa, [observable], circuit.parameters, DeviceNoise(manila.target))
    rows = rows_of(circuit)
    found, expected = (
        torch.autograd.grad(Expectation(question, by)({"t": t, "x": x}).sum(), (t, x))
        for by in ("tensor_train", "table")
        for t, x in [(torch.tensor(rows[0, :16], requires_grad=True),
                      torch.tensor(rows[:, 16:], requires_grad=True))]
    )  # fmt: skip
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-9)


def test_twenty_ideal_qubits_agree_with_aer() -> None:
    """A chain is a train by itself, and nobody has to ask for it."""
    circuit = net(5, "chain", 20)
    rows, observable = rows_of(circuit, 4096), terms(5, 20)
    question = Question(circuit, [observable])
    assert "tensor train" in explain(question, rows)
    found = evaluate(question, rows)[:2, 0]
    operator = SparsePauliOp.from_sparse_observable(observable.as_paulis())
    for row, value in zip(rows, found, strict=False):
        bound = circuit.assign_parameters(row)
        bound.save_expectation_value(operator, range(20))
        run = AerSimulator(method="matrix_product_state").run(
            generate_preset_pass_manager(0, AerSimulator(method="matrix_product_state")).run(bound)
        )
        assert value == pytest.approx(run.result().data()["expectation_value"], abs=1e-7)


@pytest.mark.parametrize("n", [32, 100])
def test_wide_chains_in_closed_form(n) -> None:
    """Z behind a chain of CNOTs is the product of all Z; a rotation by pi/2 between kills it."""
    x, t = ParameterVector("x", n), ParameterVector("t", n)
    circuit = QuantumCircuit(n)
    for q in range(n):
        circuit.ry(x[q], q)
    for q in range(n):
        circuit.ry(t[q], q)
    for q in range(n - 1):
        circuit.cx(q, q + 1)
    last = SparsePauliOp.from_sparse_list([("Z", [n - 1], 2.0)], n)
    angles = np.random.default_rng(0).normal(size=(3, n)) / 10
    weights = np.linspace(-0.2, 0.3, n)
    rows = np.hstack([np.tile(weights, (3, 1)), angles])
    found = ExactEstimator().run([(circuit, last, rows)]).result()[0].data.evs
    np.testing.assert_allclose(found, 2 * np.cos(weights + angles).prod(axis=1), atol=1e-12)
    single = ExactEstimator(dtype="float32").run([(circuit, last, 0 * rows)]).result()[0].data.evs
    np.testing.assert_allclose(single, 2.0, atol=1e-4)
    exact = open_backend("exact").expectation(
        circuit, SparseObservable.from_sparse_list([("Z", [n - 1], 2.0)], n)
    )
    leaf = torch.tensor(weights, requires_grad=True)
    value = exact({"t": leaf, "x": torch.from_numpy(angles)})
    value.sum().backward()
    slopes = (-np.tan(weights + angles) * value.detach().numpy()[:, None]).sum(0)
    np.testing.assert_allclose(leaf.grad.numpy(), slopes, atol=1e-11)
    weights[n // 2] = np.pi / 2
    rows = np.hstack([np.tile(weights, (3, 1)), 0 * angles])
    found = ExactEstimator().run([(circuit, last, rows)]).result()[0].data.evs
    np.testing.assert_allclose(found, 0.0, atol=1e-15)


def test_observables_that_become_nothing_are_exactly_zero() -> None:
    circuit = net(0, "chain", 4)
    rows = rows_of(circuit)
    nothing = SparseObservable.from_sparse_list([("Z", [0], 1.0), ("Z", [0], -1.0)], 4)
    constant = SparseObservable.from_sparse_list([("", [], 2.5)], 4)
    for observable, value in ((nothing, 0.0), (constant, 2.5)):
        question = Question(circuit, [observable])
        assert (evaluate(question, rows, "tensor_train") == value).all()
        leaf = torch.tensor(rows[0, :16], requires_grad=True)
        train = Expectation(question, "tensor_train")
        train({"t": leaf, "x": torch.from_numpy(rows[:, 16:])}).sum().backward()
        assert (leaf.grad == 0).all()


def test_an_observable_of_many_terms_is_a_sum() -> None:
    """More strings than are put together at once; a sum of single letters needs bond 2."""
    rng = np.random.default_rng(0)
    letters = np.unique(rng.integers(4, size=(150, 5)), axis=0)
    weights = rng.normal(size=len(letters))
    train = train_of_strings(letters, weights, Truncation())
    tensor = np.ones((1, 1))
    for core in train.cores:
        tensor = np.tensordot(tensor, core[0], axes=(-1, 0))
    tensor = tensor[0, ..., 0]
    expected = np.zeros((4,) * 5)
    expected[tuple(letters.T)] = weights
    np.testing.assert_allclose(tensor, expected, atol=1e-12)
    single = 3 * np.eye(80, dtype=int)
    assert train_of_strings(single, np.arange(80.0), Truncation()).bond == 2


def test_what_is_dropped_estimates_the_error() -> None:
    circuit = angle_net(4, 3, "all")
    rows = rows_of_net(circuit, 500)
    z = SparseObservable.from_sparse_list([("Z", [0], 1.0)], 8)
    exact = evaluate(Question(circuit, [z]), rows)[:, 0]
    [observed] = Question(circuit, [z]).observed()
    by_row = differing(rows).tolist()
    estimates = []
    for truncation in (Truncation(), Truncation(eps=0.1), Truncation(max_bond=4)):
        found = evaluate(Question(circuit, [z]), rows, truncation)[:, 0]
        error = np.sqrt(np.mean((found - exact) ** 2))
        train = evaluator(observed, by_row, len(rows), truncation)
        assert isinstance(train, TensorTrain)
        assert error < 2 * train.error + 1e-12
        estimates.append(train.error)
    assert estimates[0] < 1e-12 < 0.1 < estimates[1] < estimates[2]
    assert train.widest == 4
    assert train.error < 10 * error


def rows_of_net(circuit: QuantumCircuit, n_rows: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    rows = rng.uniform(-np.pi, np.pi, (n_rows, circuit.num_parameters))
    rows[:, : circuit.num_parameters - 8] = rows[0, : circuit.num_parameters - 8]
    return rows


def test_what_does_not_compress_is_refused_with_its_bond() -> None:
    circuit = net(0, "bricks", 6, layers=6)
    question = Question(circuit, [terms(0, 6)])
    with pytest.raises(ConfigError, match=r"over 6 qubits reaches bond \d+, at most 8: it") as told:
        evaluate(question, rows_of(circuit), Truncation(limit=8))
    assert "\n" not in str(told.value)
    assert np.isfinite(evaluate(question, rows_of(circuit), Truncation(max_bond=8))).all()


def test_joined_encodings_are_refused() -> None:
    circuit = angle_net(3, 2, "chain", reuploading=True)
    z = SparseObservable.from_sparse_list([("Z", [0], 1.0)], 6)
    rows = np.random.default_rng(0).normal(size=(2, circuit.num_parameters))
    with pytest.raises(ConfigError, match="join 6 qubits before the last angle that differs"):
        evaluate(Question(circuit, [z]), rows, "tensor_train")


def test_all_pairs_need_the_table() -> None:
    z = SparseObservable.from_sparse_list([("Z", [0], 1.0)], 4)
    exact = Expectation(Question(angle_net(2, 1, "chain"), [z]), "tensor_train")
    u, v, theta = torch.zeros(3, 2), torch.zeros(2, 2), torch.zeros(4)
    with pytest.raises(ConfigError, match="all pairs need method 'table'"):
        exact.all_pairs({"u": u}, {"v": v}, {"theta": theta})


def test_what_cannot_be_wide_says_so() -> None:
    circuit, x = QuantumCircuit(40), ParameterVector("x", 40)
    for q in range(40):
        circuit.ry(x[q], q)
    for q in range(39):
        circuit.cx(q, q + 1)
    question = Question(circuit, [SparseObservable.from_sparse_list([("Z", [39], 1.0)], 40)])
    for method in ("table", "statevector"):
        with pytest.raises(ConfigError, match=r"at most 31 qubits.*expected method 'tensor_train'"):
            evaluate(question, np.zeros((2, 40)), method)


def test_an_entry_asks_for_it() -> None:
    circuit = angle_net(4, 3, "all")
    z = SparseObservable.from_sparse_list([("Z", [0], 1.0)], 8)
    workload = Workload(circuit, z, rows_of_net(circuit, 50), "w")
    rough = open_backend({"kind": "exact", "tensor_train": {"max_bond": 8}})
    said = rough.explanation(workload)
    assert "up to 8; cut to 1e-12, bonds to 8: estimated error" in said
    exact = open_backend("exact")
    by_run, reference = (b.run([workload])[0].value for b in (rough, exact))
    by_estimator = rough.estimator().run([(circuit, z, workload.parameters)]).result()[0].data.evs
    assert 1e-9 < np.abs(by_run - reference).max() < 0.2
    np.testing.assert_allclose(by_estimator, by_run, atol=1e-12)
    with pytest.raises(ConfigError, match="tensor_train has no meaning beside shots"):
        parse_backend({"kind": "exact", "tensor_train": {}, "shots": 1, "seed_simulator": 1}, "f")


def test_few_rows_of_few_qubits_stay_where_they_were() -> None:
    circuit = net(5, "bricks", 13, layers=6)
    [observed] = Question(circuit, [terms(5, 13)]).observed()
    by_row = differing(rows_of(circuit)).tolist()
    assert isinstance(evaluator(observed, by_row, n_rows=1), StateVector)


def test_qubits_that_meet_stand_beside_each_other() -> None:
    from qrec.backends.exact.read.program import Fixed

    path = [4, 0, 3, 1, 2]
    gates = [Fixed(np.eye(4), pair) for pair in pairwise(path)]
    order = line_order([(q,) for q in range(5)], gates)
    assert order in (path, path[::-1])


@pytest.mark.slow
def test_twelve_noisy_qubits_agree_with_the_dense_table() -> None:
    backend = open_backend("exact_noisy")
    circuit = angle_net(6, 3, "chain")
    z = SparseObservable.from_sparse_list([("Z", [0], 1.0)], 12)
    isa, observed = backend._isa(circuit, [z])
    rows = np.random.default_rng(0).normal(size=(200, circuit.num_parameters))
    rows[:, :36] = rows[0, :36]
    double, single = (
        Question(isa, observed, circuit.parameters, backend._noise, dtype)
        for dtype in ("float64", "float32")
    )
    assert "tensor train" in explain(double, rows)
    dense = evaluate(double, rows, "table")
    np.testing.assert_allclose(evaluate(double, rows), dense, rtol=0, atol=1e-10)
    np.testing.assert_allclose(evaluate(single, rows), dense, rtol=0, atol=1e-6)
