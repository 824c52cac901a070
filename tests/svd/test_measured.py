"""What backends measure against the linear algebra; and that every evaluation is counted."""

import numpy as np
import pytest

from qrec.backends import open_backend
from qrec.svd import VariationalSVD
from qrec.svd.factors import circuit_runs, n_parameters, random_angles
from qrec.svd.measured import (
    FORMS,
    MeasuredObjective,
    coincident_values,
    direct_probe,
    encoded_probe,
    hadamard_probe,
)
from qrec.svd.objectives import KINDS, Criterion, ExactObjective
from qrec.svd.optimisers import minimise


def problem(kind, n=1, n_layers=2, rank=2, count=2):
    matrix = np.random.default_rng(n).uniform(-1, 1, (2**n, 2**n))
    criterion = Criterion(kind, np.arange(rank, 0, -1.0) + 0.5)
    exact = ExactObjective(np.broadcast_to(matrix, (count, 2**n, 2**n)), n_layers, criterion)
    return matrix, criterion, exact, random_angles(count, n_parameters(n, n_layers), seed=n)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [1, 2])
def test_circuits_and_parameter_shifts_agree_with_linear_algebra(kind, form, n):
    matrix, criterion, exact, theta = problem(kind, n, rank=2)
    measured = MeasuredObjective(
        open_backend("exact"), matrix, 2, criterion, form, coincident_only=False
    )
    rows = np.arange(len(theta))
    value, gradient = exact.value_and_gradient(theta, rows)
    found, found_gradient = measured.value_and_gradient(theta, rows)
    np.testing.assert_allclose(found, value, atol=1e-12)
    np.testing.assert_allclose(found_gradient, gradient, atol=1e-12)
    np.testing.assert_allclose(measured.value(theta, rows), value, atol=1e-12)
    c = exact.elements(theta[:1], rows[:1])[0]
    if kind != "subspace":
        c = np.diag(np.diag(c))
    np.testing.assert_allclose(measured.elements(theta[0]), c, atol=1e-12)


@pytest.mark.parametrize("form", FORMS)
def test_a_full_circuit_at_three_qubits_agrees_with_linear_algebra(form):
    matrix, _, exact, theta = problem("modified", n=3, rank=3, count=1)
    c = exact.elements(theta, np.array([0]))[0]
    probes = [
        (hadamard_probe(matrix, 2, 1, 2, "imag", form), c[1, 2].imag),
        (
            direct_probe(matrix, 2, [(1, 2)])
            if form == "direct"
            else encoded_probe(matrix, 2, 2, [1], form),
            abs(c[1, 2]) ** 2,
        ),
    ]
    for probe, expected in probes:
        reading = open_backend("exact").run([probe.workload(theta, "probe")])[0]
        assert reading.value[0] * probe.factor == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("optimizer", ["bfgs", "adam", "spsa"])
def test_the_count_of_circuit_runs_is_what_the_backend_ran(kind, form, optimizer):
    matrix, criterion, _, theta = problem(kind)
    measured = MeasuredObjective(open_backend("exact"), matrix, 2, criterion, form)
    found = minimise(optimizer, measured, theta, max_iter=4)
    runs = circuit_runs(
        criterion, theta.shape[1], found.n_values, found.n_gradients, measured.circuits_per_value
    )
    assert runs["parameter_shift"].sum() == measured.n_evaluations
    one = kind == "coincidence" or (form == "direct" and kind != "original")
    assert measured.circuits_per_value == (1 if one else 2)


def test_coincident_shots_alone_share_out_the_whole_norm():
    matrix, criterion, exact, theta = problem("coincidence", n=2)
    measured = MeasuredObjective(open_backend("exact"), matrix, 2, criterion, "published")
    diagonal = np.diag(exact.elements(theta[:1], np.array([0]))[0])
    found = np.diag(measured.elements(theta[0]))
    lost = np.linalg.norm(diagonal) / np.linalg.norm(matrix)
    assert lost < 0.9
    np.testing.assert_allclose(found * lost, diagonal, atol=1e-12)  # the phases are kept


def test_no_coincidence_at_all_is_a_value_of_zero():
    np.testing.assert_array_equal(coincident_values(np.array([-1e-3, 0.0]), 2.0), [0, 0])


@pytest.mark.parametrize("total", [None, 3.0])
def test_a_backends_mitigation_may_leave_less_than_nothing(total):
    assert coincident_values(np.array([3.0, -0.1]), total) == pytest.approx([3**0.5, 0])


def test_coincident_shots_take_back_what_noise_takes_away():
    """A Heron's noise at the optimum, 4x4 and 3 layers: -7.6 % of the largest value, -0.5 %."""
    matrix = np.random.default_rng(1).uniform(0, 1, (4, 4))
    model = VariationalSVD(2, 3, "coincidence", n_init=5).fit(matrix)
    criterion, scale = Criterion.of_rank("coincidence", 2), np.abs(matrix).max()
    true = np.linalg.svd(matrix / scale, compute_uv=False)
    found = []
    for only in (False, True):
        measured = MeasuredObjective(
            open_backend("exact_noisy"), matrix / scale, 3, criterion, "published", only
        )
        found.append(np.abs(np.diag(measured.elements(model.theta_))).max() / true[0] - 1)
    assert found == pytest.approx([-0.076, -0.005], abs=0.01)


def test_shots_scatter_about_the_value_anew_at_each_call():
    matrix, criterion, exact, theta = problem("modified")
    backend = open_backend("aer_ideal", shots=4000)
    measured = MeasuredObjective(backend, matrix, 2, criterion, "direct")
    rows = np.arange(len(theta))
    found = np.array([measured.value(theta, rows) for _ in range(20)])
    assert (found.std(axis=0) > 0).all()
    # A probability's error is at most 1 / (2 sqrt(shots)), here of 20 means and times 4.
    np.testing.assert_allclose(
        found.mean(axis=0), exact.value(theta, rows), atol=5 * 4 * 0.5 / np.sqrt(4000 * 20)
    )


@pytest.mark.parametrize("objective", ["modified", "coincidence"])
@pytest.mark.parametrize("optimizer", ["bfgs", "adam", "spsa"])
def test_what_a_fit_may_ask_is_announced(optimizer, objective, monkeypatch):
    backend = open_backend({"kind": "exact", "shots": 50, "seed_simulator": 2})
    asked = []
    run = backend.run
    monkeypatch.setattr(backend, "run", lambda workloads: asked.append(workloads) or run(workloads))
    matrix = np.random.default_rng(3).normal(size=(2, 2))
    model = VariationalSVD(
        1, 1, objective, optimizer=optimizer, backend=backend, n_init=3, max_iter=2
    )
    announced = model.questions(matrix)
    assert not asked
    model.fit(matrix)
    times = sum(one.times for one in announced)
    assert times >= len(asked)
    if optimizer != "bfgs":  # whose line searches may end early
        assert times == len(asked)
        sizes = [sum(map(len, one.workloads)) * one.times for one in announced]
        assert sum(sizes) == sum(len(w) for question in asked for w in question)
    assert all(one.backend is backend for one in announced)


def test_nothing_is_announced_where_linear_algebra_answers():
    assert VariationalSVD(1, 1).questions(np.eye(2)) == []


@pytest.mark.parametrize("form", FORMS)
def test_all_probes_of_an_evaluation_are_one_question(form, monkeypatch):
    matrix, criterion, _, theta = problem("subspace")
    backend, asked = open_backend("exact"), []
    run = backend.run
    monkeypatch.setattr(backend, "run", lambda workloads: asked.append(workloads) or run(workloads))
    measured = MeasuredObjective(backend, matrix, 2, criterion, form)
    measured.value(theta, np.arange(len(theta)))
    measured.value_and_gradient(theta, np.arange(len(theta)))
    measured.elements(theta[0])
    n = measured.circuits_per_value
    assert [len(workloads) for workloads in asked] == [n, n, 2 * criterion.rank**2]
    assert [one.key for one in asked[1]] == [f"vqsvd/{i}/2" for i in range(n)]
