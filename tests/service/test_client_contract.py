"""The runtime client's private names: a release that moves one fails here, and says which."""

import inspect

import pytest
import qiskit_ibm_runtime
import qiskit_ibm_runtime.api.client as client_module
from qiskit_ibm_runtime import Batch, QiskitRuntimeService, Session
from qiskit_ibm_runtime.api.client import RuntimeClient
from qiskit_ibm_runtime.api.session import RetrySession

from qrec.backends import open_backend
from qrec.backends.ibm import versions
from qrec.errors import MissingError

CALLED = {
    RuntimeClient: {
        "backend_configuration": ["backend_name", "refresh", "calibration_id"],
        "backend_properties": ["backend_name", "datetime", "calibration_id"],
        "cloud_usage": [],
        "job_cancel": ["job_id"],
        "job_get": ["job_id", "exclude_params"],
        "job_metadata": ["job_id"],
        "job_results": ["job_id"],
        "jobs_get": ["limit", "skip", "job_tags"],
        "list_backends": ["include_mocks"],
    },
    QiskitRuntimeService: {
        "_get_api_client": ["instance"],
        "backend": ["name", "instance", "calibration_id"],
    },
    RetrySession: {
        "_initialize_retry": ["retries_total", "retries_connect", "backoff_factor"],
        "request": ["method", "url", "bare"],
    },
    Batch: {"close": []},
    Session: {"close": []},
}
OF_A_SERVICE = [
    "_account", "_backend_instance_groups", "_backends_info_per_instance", "_default_instance",
    "_saved_instances",
]  # fmt: skip


@pytest.mark.parametrize("cls", CALLED, ids=lambda cls: cls.__name__)
def test_methods_that_are_called_take_what_they_are_given(cls):
    for name, arguments in CALLED[cls].items():
        known = inspect.signature(getattr(cls, name)).parameters
        assert set(arguments) <= set(known), f"{cls.__name__}.{name}({', '.join(known)})"


def test_the_session_is_looked_up_where_it_is_replaced():
    assert client_module.RetrySession is not None
    assert "RetrySession(" in inspect.getsource(RuntimeClient.__init__)


@pytest.mark.usefixtures("service")
def test_a_service_has_the_attributes_that_are_read():
    service = QiskitRuntimeService()
    missing = [name for name in OF_A_SERVICE if not hasattr(service, name)]
    assert not missing
    [client] = (service._get_api_client(crn) for crn in service._backends_info_per_instance)
    assert client._instance == service._account.instance


def test_this_is_the_version_that_is_spoken_to():
    assert qiskit_ibm_runtime.__version__.startswith(f"{versions.SUPPORTED}.")
    versions.check_client()


@pytest.mark.parametrize("found", ["0.50.0", "0.52.1", "0.510.0", "1.0.0"])
def test_another_version_is_one_clear_line(found, monkeypatch):
    monkeypatch.setattr(versions, "version", lambda _: found)
    entry = {"kind": "ibm", "device": "ibm_x", "shots": 10, "seed_transpiler": 0,
             "max_qpu_seconds": 1}  # fmt: skip
    backend = open_backend(entry)
    for ask in (backend.find, backend.collect, lambda _: backend.target):
        with pytest.raises(MissingError, match=rf"runtime {found} .*pip install .*==0\.51\.\*"):
            ask("job")
