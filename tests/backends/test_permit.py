"""What costs is sent by permit alone; and how `run` cuts, waits and puts together."""

import fake_vendors
import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparseObservable
from test_provider import vendor, workload

from qrec.backends import Backend, BackendSpec, Workload
from qrec.backends.base import Limits, Permit, Unit, rows_of
from qrec.backends.local import LocalBackend
from qrec.errors import ConfigError, PaidError, QrecError


class Cosine(LocalBackend):
    """Gives the cosine of its parameter, and says what it was sent."""

    shots = target = None
    limits = Limits(evaluations=4)

    def __init__(self, costs=False):
        super().__init__(BackendSpec(name="cosine"))
        self.paid, self.sent = costs, []

    costs = property(lambda self: self.paid)

    def pass_manager(self):
        return None

    def snapshot(self):
        return {}

    def prepare(self, workloads):
        assert not self.costs, "what is refused needs no preparation"
        return [Unit(one, one.circuit) for one in workloads]

    def _execute(self, unit):
        self.sent.append((unit.workload.key, len(unit.workload)))
        value = np.cos(unit.workload.parameters[:, 0])
        return {"value": value, "stderr": 0 * value}


def rotation(n_rows, key="w"):
    circuit = QuantumCircuit(1)
    circuit.ry(Parameter("t"), 0)
    return Workload(circuit, SparseObservable("Z"), np.arange(n_rows)[:, None] / 7, key)


def test_nothing_is_sent_without_a_permit_of_its_uid():
    free, paid = Cosine(), Cosine(costs=True)
    units = free.prepare([rotation(3)])
    for permit in (None, Permit(frozenset()), Permit(frozenset({"other"}))):
        with pytest.raises(PaidError, match=r"'cosine' is no free simulator: .*`qrec submit`"):
            paid.send(units, "u", "run", permit)
    for ask in (lambda: paid.run([rotation(3)]), lambda: paid.answer(units)):
        with pytest.raises(PaidError):
            ask()
    assert paid.sent == []
    assert paid.send(units, "u", "run", Permit(frozenset({"u"}))) == "u"
    assert paid.sent == [("w", 3)]


@pytest.mark.parametrize("primitive", ["sampler", "estimator"])
def test_primitives_of_what_costs_are_not_handed_out(primitive):
    with pytest.raises(PaidError, match=primitive):
        getattr(vendor("Honest", free=False), primitive)()
    with pytest.raises(ConfigError, match=f"has no {primitive}"):
        getattr(Cosine(), primitive)()


def test_what_is_not_in_this_process_costs_unless_it_says_no():
    assert Backend.costs.fget(Remote()) is True


@pytest.mark.parametrize(
    ("shots", "costs", "at_once"),
    [(None, False, True), (None, True, False), (100, False, False), (100, True, False)],
)
def test_what_takes_shots_or_costs_needs_a_job(shots, costs, at_once, monkeypatch):
    monkeypatch.setattr(Cosine, "shots", shots)
    assert Cosine(costs).answers_at_once is at_once


def test_run_cuts_and_puts_together_in_order():
    backend, steps = Cosine(), []
    asked = [rotation(10, "a"), rotation(4, "b"), rotation(0, "c")]
    readings = backend.run(asked, lambda *step: steps.append(step))
    assert backend.sent == [("a/0", 4), ("a/4", 4), ("a/8", 2), ("b", 4), ("c", 0)]
    assert steps == [(4, 14), (8, 14), (10, 14), (14, 14), (14, 14)]
    for reading, one in zip(readings, asked, strict=True):
        np.testing.assert_array_equal(reading.value, np.cos(one.parameters[:, 0]))
    assert backend.find("a/0") is None, "what was read is not kept"


def test_all_rows_of_a_unit_are_the_unit_itself():
    [unit] = Cosine().prepare([rotation(5)])
    assert rows_of(unit, 0, 9) is unit
    assert rows_of(unit, 1, 9).workload.key == "w/1"


class Remote(Cosine):
    """A free simulator elsewhere: its jobs take a while, and may fail."""

    is_local, ends = False, "DONE"
    polled = 0

    def poll(self, job_id):
        self.polled += 1
        return "RUNNING" if self.polled < 3 else self.ends

    def reason(self, job_id):
        return "out of order"


def test_run_waits_for_what_is_elsewhere(monkeypatch):
    waits = []
    monkeypatch.setattr("qrec.backends.base.time.sleep", waits.append)
    assert Remote().run([rotation(2)])[0].value[0] == 1.0
    assert len(waits) == 2
    failing = Remote()
    failing.ends = "FAILED"
    with pytest.raises(QrecError, match=r"'cosine': job \w+ FAILED: out of order"):
        failing.run([rotation(2)])


@pytest.mark.parametrize(("seed", "more"), [({}, 700), ({"seed_simulator": 5}, 1000)])
def test_a_paid_self_test_takes_a_permit_and_is_counted_until_it_is_passed(seed, more):
    fresh = {"name": f"fresh{more}"}  # a device is tested once per process
    paid = vendor("Honest", free=False, arguments=fresh, shots=201, **seed)
    fake_vendors.RUNS.clear()
    units = paid.prepare([workload(3)])
    assert paid.self_test_executions == more
    with pytest.raises(PaidError):
        paid.send(units, "u")
    assert fake_vendors.RUNS == []
    paid.send(units, "u", permit=Permit(frozenset({"u"})))
    assert fake_vendors.RUNS[0] == 100
    assert paid.self_test_executions == 0
    assert vendor("Honest", arguments={"name": "free"}, shots=202).self_test_executions == 0
