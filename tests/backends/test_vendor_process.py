"""Vendors' backends in a process of their own: the same numbers, and every way it can end."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from qiskit import AncillaRegister, ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter
from qiskit.quantum_info import Operator
from qiskit.transpiler import CouplingMap, generate_preset_pass_manager
from test_provider import vendor, workload

from qrec.backends.vendor.wire import dump_circuits, load_circuits
from qrec.errors import ConfigError, MissingError, RejectedError


@pytest.fixture(autouse=True)
def fake_vendors_there(monkeypatch):
    """Make the fake vendors importable where their process looks."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))


def apart(path, **fields):
    return vendor(path, python=sys.executable, **fields)


def test_same_numbers_as_in_this_process():
    asked = [workload(), workload(key="other")]
    here = vendor("Honest", seed_simulator=5)
    there = apart("Chatty", seed_simulator=5)  # what it prints does no harm
    for one, other in zip(here.run(asked), there.run(asked), strict=True):
        np.testing.assert_array_equal(one.value, other.value)
    assert there.snapshot()["device"] == "honest"
    assert there.snapshot()["packages"] == here.snapshot()["packages"]


def test_target_comes_across():
    path, arguments = "qiskit.providers.fake_provider:GenericBackendV2", {"num_qubits": 4}
    arguments["coupling_map"] = [[0, 1], [1, 2], [3, 2]]
    target = apart(path, arguments=arguments).target
    assert target.num_qubits == 4
    assert sorted(map(list, target.build_coupling_map())) == arguments["coupling_map"]
    [unit] = apart(path, arguments=arguments).prepare([workload()])
    for instruction in unit.circuit.data:
        qubits = tuple(unit.circuit.find_bit(q).index for q in instruction.qubits)
        assert target.instruction_supported(instruction.operation.name, qubits)


def test_older_qiskit_is_spoken_to_in_its_version_of_qpy():
    assert apart("OldQiskit").run([workload()])[0].shots == 400


@pytest.mark.slow
def test_qiskit_that_is_too_old():
    with pytest.raises(MissingError, match=r"qiskit 1\.3\.3; 1\.4 or newer"):
        apart("TooOldQiskit").snapshot()


def test_what_the_vendor_raises_comes_across():
    with pytest.raises(RejectedError) as caught:
        apart("Chatty", shots=5001).run([workload()])
    assert str(caught.value) == "backend 'vendor': ValueError: at most 5000 shots, not 5001"
    with pytest.raises(MissingError, match="no module 'workload'"):  # not qrec's own workload.py
        apart("workload:Backend").snapshot()


def test_jobs_at_once_get_their_own_answers():
    sampler = apart("Chatty").sampler()
    circuits = [QuantumCircuit(1, 1), QuantumCircuit(1, 1)] * 6
    for i, circuit in enumerate(circuits[:2]):
        circuit.rx(i * np.pi, 0)
        circuit.measure(0, 0)
    jobs = [sampler.run([circuit], shots=20) for circuit in circuits]
    found = [job.result()[0].data.c.get_counts() for job in jobs]
    assert found == [{"0": 20}, {"1": 20}] * 6


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "said"), [("Crashes", "exit status 3.*about to crash"), ("Killed", "signal 9")]
)
def test_crash_is_one_line(name, said):
    with pytest.raises(RejectedError, match=said) as caught:
        apart(name).run([workload()])
    assert "Traceback" not in str(caught.value)


def test_process_is_started_again_after_a_crash():
    dying, well = apart("CrashesOnce", shots=7), apart("CrashesOnce")
    before = well.run([workload()])[0]
    with pytest.raises(RejectedError) as caught:
        dying.run([workload()])
    died = f"the process of {sys.executable} ended (exit status 1): memory is gone"
    assert str(caught.value) == f"backend 'vendor': {died}"
    after = well.run([workload()])[0]
    assert (np.abs(after.value - before.value) < 5 * (after.stderr + before.stderr)).all()


def test_interpreter_that_is_none(tmp_path):
    with pytest.raises(ConfigError, match=r"python: /no/such/python is no interpreter"):
        vendor("Honest", python="/no/such/python").snapshot()
    with pytest.raises(ConfigError, match="is no interpreter"):
        vendor("Honest", python=str(tmp_path)).snapshot()
    with pytest.raises(MissingError, match="it needs qiskit"):
        vendor("Honest", python="/bin/true").snapshot()


def test_interpreter_without_qiskit(tmp_path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    python = str(tmp_path / "venv" / "bin" / "python")
    with pytest.raises(MissingError, match=r"No module named '(numpy|qiskit)'; it needs qiskit"):
        vendor("Honest", python=python).snapshot()


def test_its_transpiler_is_handed_out_and_its_estimator_is_not():
    path, arguments = "qiskit.providers.fake_provider:GenericBackendV2", {"num_qubits": 4}
    arguments |= {"coupling_map": [[0, 1], [1, 2], [2, 3]], "seed": 1}
    backend = apart(path, arguments=arguments)
    far = QuantumCircuit(4)
    far.cx(0, 3)
    far.measure_all()
    isa = backend.pass_manager().run(far)
    assert isa == vendor(path, arguments=arguments).pass_manager().run(far)
    assert isa.count_ops().get("cx")
    with pytest.raises(ConfigError, match="no estimator in this one"):
        backend.estimator()
    assert apart("Chatty").sampler() is not None


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Panics", r"PanicException: index out of\?\[31m bounds"),
        ("Floods", r"ended \(exit status 5\): x{300}\.\.\.$"),
        ("NotANumber", "outcome 00 came nan times"),
        ("ShortLater", "399 shots came; 400 were asked"),
    ],
)
def test_what_goes_wrong_there_is_said_in_one_line(name, said):
    with pytest.raises(RejectedError, match=said) as caught:
        apart(name).run([workload()])
    assert "Traceback" not in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_process_that_hangs_is_ended():
    with pytest.raises(RejectedError, match=r"was ended after 3 s without an answer"):
        apart("Hangs", timeout=3).run([workload()])


def test_interpreter_that_prints_something_else(tmp_path):
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\necho "activating \033[1m venv"\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    with pytest.raises(MissingError, match=r"printed 'activating \?\[1m venv' where an answer"):
        vendor("Honest", python=str(python)).snapshot()


def test_circuits_travel_on_one_plain_register():
    ancillas, bits = AncillaRegister(2, "ancilla"), ClassicalRegister(2, "two")
    circuit = QuantumCircuit(QuantumRegister(1, "q"), ancillas, ClassicalRegister(1, "one"), bits)
    circuit.global_phase = 0.5
    circuit.rx(Parameter("t"), ancillas[1])
    circuit.cx(2, 0)
    circuit.measure([0, 2], [bits[1], 0])
    line = CouplingMap.from_line(5)
    isa = generate_preset_pass_manager(0, coupling_map=line, initial_layout=[4, 3, 2]).run(circuit)
    [back] = load_circuits(dump_circuits([isa], 13))
    assert [(register.name, register.size) for register in back.qregs] == [("q", 5)]
    assert not back.ancillas
    assert back.layout is None
    assert back.cregs == isa.cregs
    assert back.count_ops() == isa.count_ops()
    one, other = (c.remove_final_measurements(False).assign_parameters([0.3]) for c in (isa, back))
    assert Operator(one) == Operator(other)
