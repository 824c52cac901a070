"""Steps before they are done: their names and order; and the circuits they ask about."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparseObservable

from qrec.backends import Workload
from qrec.errors import ConfigError, NotFinishedError
from qrec.experiments.base import Places, Step
from qrec.runner.drive import _check_steps
from qrec.runner.replay import replay
from qrec.runner.run import run
from qrec.runs.circuits import Circuits
from qrec.runs.progress import silent


def nothing(*_):
    raise AssertionError


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([("../../escape", ())], r"'../../escape': expected letters"),
        ([("a/b", ())], "'a/b': expected letters"),
        ([(".hidden", ())], "expected letters"),
        ([("a", ()), ("a", ())], "'a': stands twice"),
        ([("a", ("typo",))], "unknown earlier step"),
        ([("a", ("b",)), ("b", ())], "unknown earlier step"),
    ],
)
def test_steps_that_cannot_be_are_refused(steps, said):
    with pytest.raises(ConfigError, match=said):
        _check_steps([Step(name, nothing, after) for name, after in steps])


def conditional(first, second):
    circuit = QuantumCircuit(2, 1)
    getattr(circuit, first)(0)
    getattr(circuit, second)(1)
    circuit.measure(0, 0)
    with circuit.if_test((0, 1)):
        circuit.x(1)
    return Workload(circuit, SparseObservable.from_label("ZI"), np.empty((1, 0)), "k")


def test_circuits_with_control_flow_are_told_apart(tmp_path):
    workloads = [conditional(*gates) for gates in (("x", "h"), ("h", "x"), ("x", "h"))]
    first, other, again = (Circuits(tmp_path, "step").form(workload) for workload in workloads)
    assert first == again != other


@pytest.mark.usefixtures("runs_dir")
def test_replay_of_a_run_that_lost_an_outcome_does_it_again_and_ends(small_experiment):
    done = run(small_experiment)
    done.folder.rows_path.unlink()
    (done.folder.path / "outcomes" / "mean.classical.r0.npz").unlink()
    again = replay(done.id, Places(), silent)
    assert [row["rmse"] for row in again.rows] == [row["rmse"] for row in done.rows]
    (done.folder.path / "raw" / "swap.aer_ideal.r0" / "0.npz").unlink()
    before = (done.folder.path / "outcomes" / "swap.aer_ideal.r0.npz").read_bytes()
    replay(done.id, Places(), silent)  # what asked nothing any more is left as it is
    assert (done.folder.path / "outcomes" / "swap.aer_ideal.r0.npz").read_bytes() == before


@pytest.mark.usefixtures("runs_dir")
def test_replay_without_an_answer_deletes_nothing(small_experiment):
    done = run(small_experiment)
    raw = done.folder.path / "raw" / "swap.aer_ideal.r0"
    (raw / "0.npz").rename(raw / "0.asked.npz")  # asked, and never answered
    before = sorted(path.name for path in (done.folder.path / "outcomes").iterdir())
    with pytest.raises(NotFinishedError, match=r"step swap\.aer_ideal\.r0.*not stored"):
        replay(done.id, Places(), silent)
    assert sorted(path.name for path in (done.folder.path / "outcomes").iterdir()) == before
    assert done.folder.finished


@pytest.mark.usefixtures("runs_dir")
def test_replay_leaves_what_could_not_be_done_as_it_is(small_experiment, monkeypatch):
    def fails(*_):
        raise MemoryError("47.7 GiB")

    with monkeypatch.context() as patch:
        patch.setattr("qrec.recommenders.global_mean.GlobalMean._fit", fails)
        done = run(small_experiment)
    again = replay(done.id, Places(), silent)
    assert [row.get("rmse") for row in again.rows] == [row.get("rmse") for row in done.rows]
    assert again.rows[-2:] == done.rows[-2:]
    assert again.rows[-1]["problem"] == "needs mean.r0.fit, which could not be done"
