"""Units are cut and packed into jobs, and their results put together in order again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparseObservable

from qrec.backends import open_backend
from qrec.backends.base import Limits, Permit, Unit
from qrec.backends.workload import Workload
from qrec.errors import BusyError, UnknownOutcomeError
from qrec.runner.jobs import Waiting, collect_job, submit_job
from qrec.runner.pieces import assemble, plan_jobs, units_of
from qrec.runs.folder import RunFolder
from qrec.runs.jobs import records
from qrec.runs.ledger import Ledger

NONE = Permit(frozenset())


def unit(n_rows: int, key: str) -> Unit:
    x = ParameterVector("x", 1)
    circuit = QuantumCircuit(1)
    circuit.ry(x[0], 0)
    rows = np.random.default_rng(n_rows).uniform(0, 3, (n_rows, 1))
    return Unit(Workload(circuit, SparseObservable.from_label("Z"), rows, key), circuit)


class Limited:
    """The exact backend with limits of its own."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.inner = open_backend("exact")

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)


@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=5),
    st.integers(1, 4),
    st.integers(1, 6),
    st.integers(8, 60),
)
def test_jobs_keep_the_limits_and_hold_every_row_once(sizes, pubs, evaluations, payload):
    limits = Limits(pubs=pubs, evaluations=evaluations, payload_bytes=payload)
    tasks = {("step", i): [unit(size, f"task{i}")] for i, size in enumerate(sizes)}
    jobs = plan_jobs(Limited(limits), "exact", tasks)
    rows = {task: [] for task in tasks}
    for job in jobs:
        sent = units_of(job, tasks)
        assert len(sent) <= pubs
        assert all(len(one.workload) <= evaluations for one in sent)
        assert sum(one.workload.parameters.nbytes for one in sent) <= payload
        for part, one in zip(job.parts, sent, strict=True):
            rows[part.key] += one.workload.parameters.tolist()
    for task, [whole] in tasks.items():
        assert rows[task] == whole.workload.parameters.tolist()


@pytest.mark.usefixtures("runs_dir")
def test_parts_are_put_together_in_order(tmp_path):
    backend = Limited(Limits(pubs=2, evaluations=3))
    tasks = {("a", 0): [unit(8, "a")], ("b", 2): [unit(4, "b")]}
    jobs, ledger, folder = plan_jobs(backend, "exact", tasks), Ledger(), RunFolder(tmp_path)
    ledger.add(records("run", jobs))
    for job in reversed(jobs):
        submit_job(ledger, backend, job, "run", units_of(job, tasks), NONE, Waiting())
        assert collect_job(ledger, backend, folder, job) == "DONE"
    found = assemble(folder, jobs, lambda _: backend, {job.uid for job in jobs})
    for key, [whole] in tasks.items():
        expected = np.cos(whole.workload.parameters[:, 0])
        np.testing.assert_allclose(found[key][0]["value"], expected, atol=1e-12)


@pytest.mark.usefixtures("runs_dir")
def test_a_question_is_answered_when_all_its_parts_have_come(tmp_path):
    backend, ledger, folder = Limited(Limits(evaluations=3)), Ledger(), RunFolder(tmp_path)
    tasks = {("a", 0): [unit(8, "a")], ("b", 0): [unit(2, "b")]}
    backend.limits = Limits(pubs=1, evaluations=3)
    jobs = plan_jobs(backend, "exact", tasks)
    ledger.add(records("run", jobs))
    done = set()
    for job in jobs:
        submit_job(ledger, backend, job, "run", units_of(job, tasks), NONE, Waiting())
        collect_job(ledger, backend, folder, job)
        done.add(job.uid)
        keys = set(assemble(folder, jobs, lambda _: backend, done))
        assert ("a", 0) not in keys or len(done) >= 3
    assert keys == set(tasks)


@pytest.mark.usefixtures("runs_dir")
def test_local_job_of_a_dead_process_is_planned_again(tmp_path):
    ledger, [job] = Ledger(), plan_jobs(open_backend("exact"), "exact", {("a", 0): [unit(2, "a")]})
    ledger.add(records("run", [job]))
    ledger.submitted(job.uid, job.uid)
    assert collect_job(ledger, open_backend("exact"), RunFolder(tmp_path), job) == "SUBMITTED"
    state = collect_job(ledger, open_backend("exact"), RunFolder(tmp_path), job, True)
    assert state == ledger.job(job.uid).state == "PLANNED"


class Flaky(Limited):
    """Fails as it is told, then works."""

    def __init__(self, *failures: Exception) -> None:
        super().__init__(Limits(pubs=1))
        self.failures = list(failures)

    def send(self, units, uid, run, permit, qpu_seconds):
        if self.failures:
            raise self.failures.pop(0)
        return self.inner.send(units, uid, run, permit, qpu_seconds)


@pytest.mark.usefixtures("runs_dir")
def test_waits_as_long_as_the_service_says_or_ever_longer(monkeypatch):
    waits = []
    monkeypatch.setattr("qrec.runner.jobs.sleep", waits.append)
    backend = Flaky(UnknownOutcomeError("?"), BusyError("later", 17.0), UnknownOutcomeError("?"))
    one = unit(2, "a")
    ledger, [job] = Ledger(), plan_jobs(backend, "exact", {("a", 0): [one]})
    ledger.add(records("run", [job]))
    submit_job(ledger, backend, job, "run", [one], NONE, Waiting())
    assert waits == [1.0, 17.0, 34.0]
    assert ledger.job(job.uid).state == "SUBMITTED"


@pytest.mark.usefixtures("runs_dir")
def test_gives_up_for_now_and_can_be_asked_again(monkeypatch):
    monkeypatch.setattr("qrec.runner.jobs.sleep", lambda _: None)
    backend = Flaky(*[UnknownOutcomeError("?") for _ in range(4)])
    one = unit(2, "a")
    ledger, [job] = Ledger(), plan_jobs(backend, "exact", {("a", 0): [one]})
    ledger.add(records("run", [job]))
    with pytest.raises(UnknownOutcomeError):
        submit_job(ledger, backend, job, "run", [one], NONE, Waiting())
    assert ledger.job(job.uid).state == "SUBMITTING"
    submit_job(ledger, backend, job, "run", [one], NONE, Waiting())
    assert ledger.job(job.uid).state == "SUBMITTED"
