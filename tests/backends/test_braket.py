"""A real vendor: the local simulators of Amazon Braket, installed here or in a place of their own.

With the extra ``braket`` they run in this process; ``QREC_BRAKET_PYTHON`` names the interpreter of
an environment that holds qiskit-braket-provider.
"""

import os
from importlib.util import find_spec

import numpy as np
import pytest
from qiskit.quantum_info import SparseObservable
from test_provider import workload

from qrec.backends import open_backend
from qrec.backends.workload import Workload
from qrec.circuits.swap_test import swap_test
from qrec.errors import ConfigError


@pytest.fixture(params=["here", "apart"])
def fields(request):
    """Return what the packaged entry needs where Braket is, or skip."""
    if request.param == "here":
        if find_spec("qiskit_braket_provider") is None:
            pytest.skip("needs the extra: pip install 'qrec[braket]'")
        return {}
    if "QREC_BRAKET_PYTHON" not in os.environ:
        pytest.skip("QREC_BRAKET_PYTHON names no interpreter with qiskit-braket-provider")
    return {"python": os.environ["QREC_BRAKET_PYTHON"]}


@pytest.mark.parametrize("simulator", ["braket_sv", "braket_dm"])
def test_agrees_with_the_exact_engine(fields, simulator):
    backend = open_backend("braket_local", arguments={"name": simulator}, **fields)
    asked = [workload(), swap_workload()]
    for found, exact in zip(backend.run(asked), open_backend("exact").run(asked), strict=True):
        assert (np.abs(found.value - exact.value) < 5 * found.stderr).all()
        assert found.shots == 1024
    assert "qiskit_braket_provider" in backend.snapshot()["packages"]


def swap_workload():
    circuit = swap_test()
    rows = np.random.default_rng(4).uniform(0, np.pi, (5, circuit.num_parameters))
    z = SparseObservable.from_sparse_list([("Z", [0], 1.0)], circuit.num_qubits)
    return Workload(circuit, z, rows, "swap")


def test_ignores_a_seed_which_is_said(fields):
    with pytest.raises(ConfigError, match="the same seed twice gave different shots"):
        open_backend("braket_local", seed_simulator=7, **fields).run([workload()])
