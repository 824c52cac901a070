"""Gibbs sampling over angles: coefficients, conditionals and posteriors against slow references."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import Operator, SparsePauliOp, Statevector
from scipy.stats import chisquare, kstest, norm

from qrec.backends import open_backend
from qrec.data import Ratings
from qrec.errors import ConfigError
from qrec.recommenders import AngleNet, CircuitRecommender, load_recommender
from qrec.recommenders._gibbs import forms, sampler
from qrec.recommenders._gibbs.conditional import draw_angles
from qrec.recommenders._gibbs.forms import Fixed, table_form
from qrec.recommenders._gibbs.patterns import Patterns
from qrec.recommenders._gibbs.sampler import Sampler, State, grouped
from qrec.recommenders._gibbs.shifted import ShiftedForm
from qrec.recommenders._observable import read_observable
from qrec.recommenders._roles import Roles
from qrec.recommenders.pair_net import PairNet
from qrec.types import Array

ROLES = Roles("u", "v", "theta")
IDS = {"implicit": False, "side_data": False}


def tangled() -> QuantumCircuit:
    """Entangled, encoded about all axes and again later on, not at |0>, u and v on one qubit."""
    u, v, theta = ParameterVector("u", 3), ParameterVector("v", 3), ParameterVector("theta", 2)
    circuit = QuantumCircuit(3, name="tangled")
    circuit.h(0)
    circuit.rx(0.7, 1)
    circuit.ry(u[0] + 0.3, 0)
    circuit.rz(v[0], 0)
    circuit.rx(v[1], 1)
    circuit.cx(0, 1)
    circuit.ry(theta[0], 1)
    circuit.rx(u[1] + v[2], 2)
    circuit.cz(1, 2)
    circuit.rz(theta[1] - 0.2, 2)
    circuit.ry(-u[2], 2)
    circuit.cx(2, 0)
    circuit.h(1)
    return circuit


def chain() -> QuantumCircuit:
    u, v, theta = ParameterVector("u", 2), ParameterVector("v", 2), ParameterVector("theta", 1)
    circuit = QuantumCircuit(4, name="chain")
    for qubit, angle in enumerate([*u, *v]):
        circuit.ry(angle, qubit)
    circuit.ry(theta[0], 2)
    for qubit in (3, 2, 1):
        circuit.cx(qubit, qubit - 1)
    return circuit


CASES = [(tangled, "Z0"), (tangled, "IZZ"), (tangled, "ZII"), (tangled, "Z0 Z2 - 0.5 Z1 + 2 Z2"),
         (chain, "Z0"), (chain, "ZIIZ")]  # fmt: skip


def dense(circuit: QuantumCircuit, observable: str, u: Array, v: Array, theta: Array) -> float:
    """Return the expectation value by a dense matrix and a state vector."""
    given = {"u": u, "v": v, "theta": theta}
    bound = circuit.assign_parameters(
        {p: given[p.vector.name][p.index] for p in circuit.parameters}
    )
    read = SparsePauliOp.from_sparse_observable(
        read_observable(observable, circuit.num_qubits).as_paulis()
    )
    return float(Statevector(bound).expectation_value(Operator(read)).real)


def both(circuit: QuantumCircuit, observable: str) -> list[forms.Form]:
    backend, read = open_backend(None), read_observable(observable, circuit.num_qubits)
    table = table_form(backend, circuit, read, ROLES)
    assert table is not None
    return [table, ShiftedForm(backend.expectation(circuit, read), ROLES)]


@pytest.mark.parametrize(("make", "observable"), CASES)
def test_coefficients_are_those_of_dense_state_vectors(
    make: Callable[[], QuantumCircuit], observable: str
) -> None:
    circuit, rng = make(), np.random.default_rng(3)
    sizes = {p.vector.name: len(p.vector) for p in circuit.parameters}
    u, v = (rng.uniform(-3, 3, (2, sizes[name])) for name in "uv")
    theta = rng.uniform(-3, 3, sizes["theta"])
    me, other = np.array([0, 0, 1]), np.array([1, 0, 1])

    for form, mirrored in product(both(circuit, observable), (False, True)):
        fixed: Fixed = form.fix(theta).mirrored() if mirrored else form.fix(theta)
        mine, theirs = (v.copy(), u) if mirrored else (u.copy(), v)
        check = _Check(circuit, observable, theta, mirrored, mine, theirs, me, other)
        expected = [check.value(mine[a], theirs[b]) for a, b in zip(me, other, strict=True)]
        np.testing.assert_allclose(fixed.values(mine, theirs, me, other), expected, atol=1e-12)
        fixed.visit(mine, fixed.seen(theirs), me, other, check)
        assert sorted(check.drawn) == list(range(mine.shape[1]))


@dataclass
class _Check:
    """Compares coefficients with three evaluations, then turns the angle, as a draw would."""

    circuit: QuantumCircuit
    observable: str
    theta: Array
    mirrored: bool
    mine: Array
    theirs: Array
    me: Array
    other: Array
    drawn: list[int] = field(default_factory=list)

    def value(self, mine: Array, theirs: Array) -> float:
        angles = (theirs, mine) if self.mirrored else (mine, theirs)
        return dense(self.circuit, self.observable, *angles, self.theta)

    def __call__(self, j: int, b: Array | None, c: Array | None) -> tuple[Array, Array]:
        for n, (row, other) in enumerate(zip(self.me, self.other, strict=True)):
            at = []
            for angle in (0.0, np.pi / 2, np.pi):
                moved = self.mine[row].copy()
                moved[j] = angle
                at.append(self.value(moved, self.theirs[other]))
            in_cos, in_sin = (at[0] - at[2]) / 2, at[1] - (at[0] + at[2]) / 2
            assert (0 if b is None else b[n]) == pytest.approx(in_cos, abs=1e-12)
            assert (0 if c is None else c[n]) == pytest.approx(in_sin, abs=1e-12)
        self.drawn.append(j)
        self.mine[:, j] += 1.3
        return np.cos(self.mine[self.me, j]), np.sin(self.mine[self.me, j])


def test_tables_hold_what_is_within_the_light_cone_alone() -> None:
    net = PairNet(n_factors=10)
    circuit = net._untrained()
    table = table_form(open_backend(None), circuit, net.readout(), Roles("u", "v", None))
    assert table is not None  # 3^2 evaluations for each pair of qubits, not 3^20
    fixed = table.fix(np.zeros(0))
    np.testing.assert_allclose(fixed.matrix, np.eye(10), atol=1e-12)


def test_a_large_table_is_left_to_the_circuit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "MOST_NODES", 3**3)
    circuit, read = chain(), read_observable("Z0", 4)
    assert table_form(open_backend(None), circuit, read, ROLES) is None


def log_density(likelihood: Array, angle: Array) -> Array:
    waves = [np.cos(angle), np.sin(angle), np.cos(2 * angle), np.sin(2 * angle)]
    return sum(number * wave for number, wave in zip(likelihood, waves, strict=True))


@pytest.mark.parametrize("precision", [0.0, 0.03, 2.0])
@pytest.mark.parametrize("n_points", [4, 128])
def test_angles_are_drawn_from_their_density_on_any_grid(precision: float, n_points: int) -> None:
    rng, n, mean = np.random.default_rng(8), 20_000, 0.4
    likelihood = np.array([1.0, -0.8, 0.9, 0.5])
    angles, many = np.full(n, 2.0), np.tile(likelihood, (n, 1))
    for _ in range(12):  # from one point; a step of a coarse grid stays now and then
        angles = draw_angles(rng, many, angles, np.full(n, mean), precision, n_points)
    reach = np.pi if precision == 0 else max(np.pi, 7 / np.sqrt(precision))
    grid = mean + np.linspace(-reach, reach, 200_001)
    density = np.exp(log_density(likelihood, grid) - precision * (grid - mean) ** 2 / 2)
    below = np.cumsum(density) / density.sum()
    assert kstest(angles, lambda x: np.interp(x, grid, below)).pvalue > 1e-3


def test_narrow_peaks_are_found() -> None:
    """A weight that all ratings share has a peak much narrower than a cell of 1/128 circle."""
    rng, n = np.random.default_rng(2), 4000
    likelihood = np.tile([0.0, 4e6, 0.0, 0.0], (n, 1))  # sin: a peak at pi/2, sd 1/2000
    angles = draw_angles(rng, likelihood, np.zeros(n), np.zeros(n), 0.0)
    angles = draw_angles(rng, likelihood, angles, np.zeros(n), 0.0)
    assert kstest(2000 * (angles - np.pi / 2), norm.cdf).pvalue > 1e-3


def pinned(angle_precision: float) -> Callable[[np.random.Generator, Array], tuple[Array, Array]]:
    """Return a prior about (0.5, ...) with the bias held at zero."""

    def prior(_: np.random.Generator, rows: Array) -> tuple[Array, Array]:
        k = rows.shape[1]
        mean = np.append(np.full(k - 1, 0.5), 0.0)
        return mean, np.diag(np.append(np.full(k - 1, angle_precision), 1e14))

    return prior


def test_two_angles_have_the_posterior_of_a_grid() -> None:
    """4,000 copies of one user and one item, whose joint posterior is worked out on a grid."""
    copies, ratings_of, alpha, prior_precision, gain = 4000, [0.9, 0.3, 0.7], 3.0, 0.7, 1.5
    u, v = ParameterVector("u", 1), ParameterVector("v", 1)
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.ry(u[0], 0)
    circuit.rx(v[0], 1)
    circuit.cx(0, 1)
    circuit.rx(0.4, 1)
    read = read_observable("Z1 + 0.5 Z0", 2)
    form = table_form(open_backend(None), circuit, read, Roles("u", "v", None))
    assert form is not None
    code = np.repeat(np.arange(copies), len(ratings_of))
    data = SimpleNamespace(user=code, item=code, n_users=copies, n_items=copies,
                           value=np.tile(ratings_of, copies))  # fmt: skip
    rng = np.random.default_rng(5)
    start = State(np.zeros((copies, 2)), np.zeros((copies, 2)), np.zeros(0), gain, alpha)
    found = Sampler(form, data, (pinned(prior_precision),) * 2, start, 0.0, rng)  # type: ignore[arg-type]
    for _ in range(60):
        found.draw_sides()
    drawn = found.state.users[:, 0], found.state.items[:, 0]

    axis = 0.5 + np.linspace(-8, 8, 321)
    grid_u, grid_v = (x.ravel() for x in np.meshgrid(axis, axis, indexing="ij"))
    value = form.fix(np.zeros(0)).values(
        grid_u[:, None], grid_v[:, None], np.arange(len(grid_u)), np.arange(len(grid_u))
    )
    log = sum(-alpha / 2 * (r - gain * value) ** 2 for r in ratings_of)
    log = log - prior_precision / 2 * ((grid_u - 0.5) ** 2 + (grid_v - 0.5) ** 2)
    mass = np.exp(log - log.max())
    mass /= mass.sum()
    for statistic in (
        lambda a, b: a + 0 * b,
        lambda a, b: b + 0 * a,
        lambda a, b: a * b,
        lambda a, b: a**2 + 0 * b,
        lambda a, b: np.cos(a) * np.sin(b),
        lambda a, b: np.sin(a) * np.cos(b),
    ):
        on_grid = statistic(grid_u, grid_v)
        expected = mass @ on_grid
        error = np.sqrt((mass @ on_grid**2 - expected**2) / copies)
        assert abs(statistic(*drawn).mean() - expected) < 4 * error
    counts, _, _ = np.histogram2d(*drawn, bins=(bins := np.array([-9, -0.5, 0.5, 1.5, 9])).tolist())
    expected_counts, _, _ = np.histogram2d(grid_u, grid_v, bins=bins.tolist(), weights=mass)
    seen = expected_counts > 5 / copies
    assert (
        chisquare(
            counts[seen] / counts[seen].sum(), expected_counts[seen] / expected_counts[seen].sum()
        ).statistic
        * copies
        < 45
    )  # 16 cells at most: beyond one chance in 10,000


def test_a_weight_has_the_posterior_of_a_grid(ratings: Ratings) -> None:
    few, rng = ratings[np.arange(12)], np.random.default_rng(0)
    form = both(chain(), "Z0")[0]
    start = State(rng.normal(size=(40, 3)), rng.normal(size=(25, 3)), np.zeros(1), 2.0, 0.6)
    walk = Sampler(form, few, (pinned(1.0),) * 2, start, 3.0, rng)
    drawn = []
    for _ in range(1500):
        walk.draw_weights()
        drawn.append(walk.state.weights[0])
    grid = np.linspace(-np.pi, np.pi, 721)
    log = []
    for angle in grid:
        walk._fixed = form.fix(np.array([angle]))
        error = few.value - walk.predict(few.user, few.item)
        log.append(-0.6 / 2 * error @ error)
    density = np.exp(np.array(log) - max(log))
    below = np.cumsum(density) / density.sum()
    assert kstest(drawn, lambda x: np.interp(x, grid, below)).pvalue > 1e-3


def test_the_error_stays_that_of_the_state(ratings: Ratings) -> None:
    for form in both(chain(), "Z0"):
        rng = np.random.default_rng(1)
        start = State(rng.normal(size=(40, 3)), rng.normal(size=(25, 3)), np.ones(1), 1.5)
        walk = Sampler(form, ratings, (pinned(1.0),) * 2, start, 3.0, rng, 2, draws_gain=True)
        for _ in range(5):
            walk.sweep()
        error = (ratings.value - walk.predict(ratings.user, ratings.item))[walk._by_user.order]
        np.testing.assert_allclose(walk._error, error, atol=1e-10)
        assert walk.state.gain != 1.5


def test_table_and_circuit_walk_alike(ratings: Ratings) -> None:
    ends = []
    for form in both(tangled(), "Z0 Z2 - 0.5 Z1 + 2 Z2"):
        rng = np.random.default_rng(1)
        start = State(rng.normal(size=(40, 4)), rng.normal(size=(25, 4)), np.ones(2), 1.0)
        walk = Sampler(form, ratings, (pinned(1.0),) * 2, start, 3.0, rng)
        for _ in range(2):
            walk.sweep()
        ends.append(walk.state.users)
    np.testing.assert_allclose(*ends, atol=1e-6)


def test_blocks_hold_every_row_once(monkeypatch: pytest.MonkeyPatch, ratings: Ratings) -> None:
    monkeypatch.setattr(sampler, "_NUMBERS_AT_ONCE", 30)
    pairs = grouped(ratings.user, ratings.item, 40)
    blocks = list(pairs.blocks(2))
    assert [row for begin, end in blocks for row in range(begin, end)] == list(range(40))
    assert len(blocks) > 5  # a row with more ratings than fit stands alone


def test_a_pattern_without_an_angle_asks_for_nothing() -> None:
    """Of sin u_0 + sin u_1 neither angle has a cosine, and no sum over the other is taken."""
    asked = []

    def draw(j: int, b: Array | None, c: Array | None) -> tuple[Array, Array]:
        asked.append((j, b, c if c is None else c.tolist()))
        return np.zeros(2), np.zeros(2)

    waves = [(np.full(2, np.nan), np.full(2, np.nan)) for _ in range(2)]
    Patterns(np.array([[0, 2], [2, 0]])).visit(np.array([[1.0, 2], [3, 4]]), waves, draw)
    assert asked == [(0, None, [3, 4]), (1, None, [1, 2])]


def small(**changed: object) -> CircuitRecommender:
    params = {"training": "gibbs", "n_samples": 6, "n_burn_in": 3, **IDS} | changed
    return CircuitRecommender(chain(), "Z0", **params)


def test_the_samples_of_a_circuit_average_alike_on_the_engine(ratings: Ratings) -> None:
    for model in (small(), PairNet(2, n_samples=6, n_burn_in=3, **IDS)):
        model.fit(ratings)
        by_table = model.predict(ratings)
        # Rows with the same weights stand together: the engine is fast where they share them.
        assert len(model.workloads(ratings)) == (1 if isinstance(model, PairNet) else 6)
        model.set_params(backend=open_backend(None))
        np.testing.assert_allclose(model.predict(ratings), by_table, atol=1e-6)
        samples = list(model._posterior().ratings(
            table_form(open_backend(None), model.circuit_, model.readout(), model._roles()),
            ratings.user, ratings.item,
        ))  # fmt: skip
        np.testing.assert_allclose(model.predict_std(ratings), np.std(samples, axis=0), atol=1e-9)


def test_few_shots_for_each_of_many_samples(ratings: Ratings) -> None:
    spec = {"kind": "exact", "name": "few", "shots": 16, "seed_simulator": 4}
    model = PairNet(2, n_samples=64, n_burn_in=5, **IDS).fit(ratings)
    exact = model.predict(ratings)
    model.set_params(backend=spec)
    [workload] = model.workloads(ratings)
    assert len(workload) == 64 * len(ratings)  # and no shot more than 1,024 for each pair
    noise = np.sqrt(np.mean((model.predict(ratings) - exact) ** 2))
    assert noise < 1.15 * np.sqrt(2 / 1024)  # two products of readings of +1 and -1
    model.set_params(n_evaluated=8)
    assert len(model.workloads(ratings)[0]) == 8 * len(ratings)
    with pytest.raises(ConfigError, match="8 samples"):
        model.combine(ratings, open_backend(None).run([workload]))


def test_spread_is_known_of_samples_alone(ratings: Ratings) -> None:
    model = small().fit(ratings)
    found = model.predict_std(np.array([[0, 0], [39, 0], [0, 24]]))
    assert found[0] > 0
    assert np.isnan(found[1:]).all()  # a user and an item without ratings
    assert getattr(small(training="exact"), "predict_std", None) is None


def test_history_is_the_error_on_validation_ratings(ratings: Ratings) -> None:
    part, held = ratings[np.arange(0, 250)], ratings[np.arange(250, len(ratings))]
    model = small().fit(part, validation=held)
    assert len(model.history_) == 9
    assert model.history_[-1] == pytest.approx(-model.score(held), abs=1e-6)
    assert len(small().fit(part).history_) == 0


def test_a_fit_is_repeated_and_survives_the_disk(ratings: Ratings, tmp_path: Path) -> None:
    model = small(sample_gain=True).fit(ratings)
    again = small(sample_gain=True).fit(ratings)
    np.testing.assert_array_equal(model.user_samples_, again.user_samples_)
    assert (small(sample_gain=True, random_state=1).fit(ratings).user_samples_
            != model.user_samples_).any()  # fmt: skip
    model.save(tmp_path)
    loaded = load_recommender(tmp_path)
    np.testing.assert_array_equal(loaded.predict(ratings), model.predict(ratings))
    np.testing.assert_array_equal(loaded.predict_std(ratings), model.predict_std(ratings))
    assert len(set(model.gain_samples_)) == 6


def test_angles_that_are_no_sinusoid_are_refused() -> None:
    u, v = ParameterVector("u", 1), ParameterVector("v", 1)
    twice = QuantumCircuit(2, name="twice")
    twice.ry(u[0], 0)
    twice.ry(v[0], 1)
    for gate, said in (
        (lambda c: c.ry(u[0], 1), "'u[0]' enters 2 rotations"),
        (lambda c: c.ry(u[0], 0), "'u[0]' enters 2 rotations"),
    ):
        circuit = twice.copy()
        gate(circuit)
        with pytest.raises(ConfigError, match=said.replace("[", r"\[").replace("]", r"\]")):
            CircuitRecommender(circuit, weights=None, training="gibbs").check()
    doubled = QuantumCircuit(2)
    doubled.ry(2 * u[0], 0)
    doubled.crx(v[0], 0, 1)
    with pytest.raises(ConfigError, match=r"'u\[0\]' enters a rotation times 2"):
        CircuitRecommender(doubled, weights=None, training="gibbs").check()
    CircuitRecommender(doubled, weights=None).check()


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (small(biases=False), "biases is False; expected True"),
        (small(loss="ranking"), "loss is 'ranking'; expected 'squared'"),
        (AngleNet(training="gibbs", features="report"), "expected 'learned'"),
        (AngleNet(training="gibbs", reuploading=True), "enters 3 rotations"),
    ],
)
def test_what_does_not_go_together_is_said_at_load(model: CircuitRecommender, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        model.check()


def test_shots_give_no_conditionals(ratings: Ratings) -> None:
    spec = {"kind": "exact", "name": "few", "shots": 16, "seed_simulator": 4}
    with pytest.raises(ConfigError, match="shots"):
        small(training_backend=spec).fit(ratings)
    with pytest.raises(ConfigError, match="which gives no gradients"):
        small(training_backend="aer_ideal").fit(ratings)
