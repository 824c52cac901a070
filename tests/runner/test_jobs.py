"""Units are cut and packed into jobs, and their results put together in order again."""

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

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
from qrec.errors import BusyError, QrecError, UnknownJobError, UnknownOutcomeError
from qrec.runner.jobs import (
    GRACE_SECONDS,
    Waiting,
    ask_usage,
    collect_job,
    reconcile,
    settle,
    submit_job,
)
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


class Remote(Limited):
    """A service whose list of jobs lags: a job is found from look number `lag` after it came."""

    is_local = False
    device = name = "far"

    def __init__(self, lag: int = 0, lost: int = 0) -> None:
        super().__init__(Limits(pubs=1))
        self.lag, self.lost = lag, lost  # how many answers get lost
        self.taken: list[str] = []
        self.cancelled: list[str] = []
        self.looks, self.states, self.used = 0, {}, None

    def send(self, units, uid, run, permit, qpu_seconds):
        self.taken.append(f"job-{len(self.taken)}")
        if self.lost:
            self.lost -= 1
            raise UnknownOutcomeError("no answer")
        return self.taken[-1]

    def find(self, uid):
        self.looks += 1
        live = [job for job in self.taken if job not in self.cancelled]
        if self.looks <= self.lag or not live:
            return None
        for spare in live[1:]:
            self.cancel(spare)
        return live[0]

    def cancel(self, job_id):
        self.cancelled.append(job_id)

    def poll(self, job_id):
        if job_id not in self.taken:
            raise UnknownJobError("404")
        return self.states.get(job_id, "QUEUED")

    def metrics(self, job_id):
        status = "pending" if self.used is None else "final"
        return {"usage": {"status": status, "qpu_charge_time_seconds": self.used or 0}}

    def reason(self, job_id):
        return ""

    def live(self):
        return [job for job in self.taken if job not in self.cancelled]


def planned(backend):
    """Return a job of one unit in a new ledger, and what sends it."""
    one = unit(2, "a")
    ledger, [job] = Ledger(), plan_jobs(backend, "far", {("a", 0): [one]})
    ledger.add(records("run", [job]))

    def send(wait: Waiting | None = None) -> None:
        submit_job(ledger, backend, job, "run", [one], NONE, wait or Waiting())

    return ledger, job, send


@pytest.fixture
def waits(monkeypatch):
    """Return the list of waits, none of which is waited for."""
    found: list[float] = []
    monkeypatch.setattr("qrec.runner.jobs.sleep", found.append)
    return found


@pytest.mark.usefixtures("runs_dir")
@pytest.mark.parametrize("lag", range(6))
def test_an_index_that_lags_has_no_job_sent_twice(lag, waits):
    backend, said = Remote(lag, lost=1), []
    ledger, job, send = planned(backend)
    send(Waiting(lambda step, *_, aloud=False: said.append(step) if aloud else None))
    assert backend.taken == ["job-0"]
    assert (ledger.job(job.uid).state, ledger.job(job.uid).unanswered) == ("SUBMITTED", 0)
    assert sum(waits) <= 1.0 + GRACE_SECONDS
    assert len(said) == len(waits)


@pytest.mark.usefixtures("runs_dir", "waits")
@pytest.mark.parametrize("state", ["SUBMITTED", "DONE", "CANCELLED", "FAILED"])
def test_a_second_job_that_comes_to_light_later_is_cancelled(state):
    backend = Remote(lag=8, lost=1)
    ledger, job, send = planned(backend)
    send()
    assert backend.taken == ["job-0", "job-1"]
    if state != "SUBMITTED":
        ledger.ended(job.uid, state)
    settle(ledger, backend, job.uid)
    assert ledger.job(job.uid).unanswered == 1, "not found yet"
    settle(ledger, backend, job.uid, wanted=state != "FAILED")
    assert ledger.job(job.uid).unanswered == 0
    kept = ledger.job(job.uid).job_id
    assert backend.live() == ([kept] if state == "SUBMITTED" else [])


@pytest.mark.usefixtures("runs_dir", "waits")
def test_a_job_cancelled_in_doubt_is_ended_when_it_comes_to_light():
    backend = Remote(lag=99, lost=99)
    ledger, job, send = planned(backend)
    with pytest.raises(UnknownOutcomeError):
        send()
    assert not reconcile(ledger, backend, job.uid)
    ledger.ended(job.uid, "CANCELLED", used=0.0)
    backend.lag, backend.taken = 0, backend.taken[:1]
    settle(ledger, backend, job.uid)
    assert backend.live() == []
    assert ledger.spent("far") == job.qpu_seconds, "it may have run: nobody has said"


@pytest.mark.usefixtures("runs_dir", "waits")
def test_a_doubt_ends_with_the_hour():
    backend = Remote(lag=99, lost=1)
    ledger, job, send = planned(backend)
    send()
    for minutes, left in ((59, 1), (61, 0)):
        sent = datetime.now(UTC) - timedelta(minutes=minutes)
        ledger._update(job.uid, sent=sent.isoformat())
        settle(ledger, backend, job.uid)
        assert ledger.job(job.uid).unanswered == left


@pytest.mark.usefixtures("runs_dir")
def test_throttle_waits_until_the_oldest_request_that_counts_is_a_minute_old(waits):
    backend = Remote()
    backend.limits = Limits(pubs=1, jobs_per_minute=3)
    ledger, _job, send = planned(backend)
    for age in (55, 50, 40, 30, 10):
        [other] = plan_jobs(backend, "far", {("b", age): [unit(2, "b")]})
        ledger.add(records("run", [other]))
        ledger._update(other.uid, sent=(datetime.now(UTC) - timedelta(seconds=age)).isoformat())
    send()
    [waited] = waits
    assert 15.0 < waited <= 20.0, "the third from the end left 40 s ago, or some more by now"


@pytest.mark.usefixtures("runs_dir", "waits")
def test_what_is_cancelled_while_the_lock_is_let_go_is_not_sent():
    backend = Remote()
    backend.limits = Limits(pubs=1, jobs_per_minute=1)
    ledger, job, send = planned(backend)
    [other] = plan_jobs(backend, "far", {("b", 0): [unit(2, "b")]})
    ledger.add(records("run", [other]))
    ledger.submitting(other.uid)

    @contextmanager
    def released():
        ledger.ended(job.uid, "CANCELLED", used=0.0)
        yield

    with pytest.raises(QrecError, match="cancelled meanwhile"):
        send(Waiting(released=released))
    assert backend.taken == []


@pytest.mark.usefixtures("runs_dir", "waits")
@pytest.mark.parametrize(
    ("backend", "times"),
    [(lambda: Remote(lag=2, lost=1), 0), (lambda: Flaky(BusyError("later", 5.0)), 1)],
    ids=["in doubt", "refused"],
)
def test_the_lock_is_let_go_while_it_waits_unless_a_job_is_in_doubt(backend, times):
    """Who looked for a job in doubt beside this process would take its next request for a spare."""
    let_go = []

    @contextmanager
    def released():
        let_go.append("once")
        yield

    _ledger, _job, send = planned(backend())
    send(Waiting(released=released))
    assert len(let_go) == times


@pytest.mark.usefixtures("runs_dir")
def test_a_service_that_is_busy_for_long_is_not_waited_for(waits):
    backend = Flaky(BusyError("later", 3600.0))
    ledger, job, send = planned(backend)
    with pytest.raises(BusyError, match="3600 s"):
        send()
    assert (waits, ledger.job(job.uid).state) == ([], "PLANNED")


@pytest.mark.usefixtures("runs_dir", "waits")
def test_usage_is_asked_for_until_it_is_final(tmp_path):
    backend = Remote()
    ledger, job, send = planned(backend)
    send()
    backend.states["job-0"] = "CANCELLED"
    folder = RunFolder(tmp_path)
    assert collect_job(ledger, backend, folder, job) == "CANCELLED"
    assert ledger.job(job.uid).used_seconds is None
    backend.used = 7.0
    ask_usage(ledger, backend, folder, job.uid)
    assert ledger.spent("far") == 7.0


@pytest.mark.usefixtures("runs_dir", "waits")
def test_a_job_that_is_nowhere_any_more_is_lost(tmp_path):
    backend = Remote()
    ledger, job, send = planned(backend)
    send()
    backend.taken.clear()
    assert collect_job(ledger, backend, RunFolder(tmp_path), job) == "FAILED"
    assert "lost" in ledger.job(job.uid).message
    assert ledger.spent("far") == job.qpu_seconds


@pytest.mark.usefixtures("runs_dir", "waits")
def test_a_job_that_is_listed_still_is_not_lost(tmp_path):
    backend = Remote()
    ledger, job, send = planned(backend)
    send()
    backend.poll = lambda _: (_ for _ in ()).throw(UnknownJobError("404"))
    with pytest.raises(UnknownJobError):
        collect_job(ledger, backend, RunFolder(tmp_path), job)
    assert ledger.job(job.uid).state == "SUBMITTED"


BITS = np.zeros((2, 10, 1), np.uint8)


@pytest.mark.usefixtures("runs_dir", "waits")
@pytest.mark.parametrize(
    ("raws", "said"),
    [
        ([], "0 PUBs"),
        ([{"bits": BITS}] * 2, "2 PUBs"),
        ([{"bits": BITS[:1]}], "shape"),
        ([{"bits": BITS[:, :9]}], "9 shots"),
        ([{"counts": np.array([[5, 5], [5, 4]])}], "9 shots"),
        (None, "cannot be read"),
        ([{"bits": BITS}], ""),
        ([{"bits": np.zeros((2, 12, 1), np.uint8)}], ""),  # twirling may round up
    ],
)
def test_a_result_is_what_was_asked_before_it_counts(raws, said, tmp_path):
    backend = Remote()
    backend.shots, backend.collect = 10, lambda _: b"as it came"
    backend.decode = lambda *_: list(raws)
    ledger, job, send = planned(backend)
    send()
    backend.states["job-0"] = "DONE"
    folder = RunFolder(tmp_path)
    if not said:
        assert collect_job(ledger, backend, folder, job) == "DONE"
        return
    with pytest.raises(UnknownOutcomeError, match=said) as caught:
        collect_job(ledger, backend, folder, job)
    assert "qrec submit --again job-0" in str(caught.value)
    assert (ledger.job(job.uid).state, folder.has_payload(job.uid)) == ("SUBMITTED", False)
    kept = folder.payload_path(job.uid).with_name(f"{job.uid}.unusable")
    assert kept.read_bytes() == b"as it came"
