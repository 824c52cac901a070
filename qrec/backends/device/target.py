"""A device as Qiskit knows one: a target, which circuits are transpiled to and noise is read from.

`qiskit_aer.noise.NoiseModel.from_backend` and `AerSimulator.from_backend` take it as it is.
"""

import logging
from copy import deepcopy
from typing import Any

from qiskit.providers import BackendV2, Options
from qiskit.transpiler import Target

from qrec.errors import ConfigError


class Device(BackendV2):  # type: ignore[misc]
    """What a device can do and how well; it runs nothing."""

    max_circuits = None

    def __init__(self, name: str, target: Target) -> None:
        super().__init__(name=name)
        self._target = target

    @property
    def target(self) -> Target:
        return self._target

    @classmethod
    def _default_options(cls) -> Options:
        return Options()

    def run(self, run_input: Any, **options: Any) -> Any:
        raise NotImplementedError(f"{self.name} is a description of a device: open a backend on it")


def read_target(configuration: dict[str, Any], properties: dict[str, Any]) -> Target:
    """Build the target from a device's configuration and properties, the service's own JSON.

    Raises ConfigError where they are not what the service gives.
    """
    from qiskit_ibm_runtime.utils.backend_converter import convert_to_target
    from qiskit_ibm_runtime.utils.backend_decoder import (
        configuration_from_server_data,
        properties_from_server_data,
    )

    name = configuration.get("backend_name")
    logging.getLogger("qiskit_ibm_runtime").setLevel(logging.ERROR)  # what it warns of is raised
    # Both change what they read. None: all gates that the configuration has, fractional or not.
    read = configuration_from_server_data(deepcopy(configuration), use_fractional_gates=None)
    if read is None:
        raise ConfigError(f"snapshot of {name!r}: its configuration is not that of a device")
    try:
        calibrated = properties_from_server_data(deepcopy(properties), use_fractional_gates=None)
        return convert_to_target(read, calibrated)
    except Exception as error:  # the converter fails in a way of its own for every oddity
        raise ConfigError(
            f"snapshot of {name!r}: its properties are not those of such a device: "
            f"{type(error).__name__}: {error}"
        ) from error
