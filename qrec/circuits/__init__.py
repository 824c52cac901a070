"""Circuits: one published construction per file, each returning a `QuantumCircuit`.

Qubit order is Qiskit's: qubit 0 is the lowest bit of a basis state's index. Circuits hold no
measurement and know neither backends nor data sets. A module is a circuit of the library when
it defines a function of its own name, all of whose arguments have defaults.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from qiskit import QuantumCircuit

from qrec.registry import check_name, module_names


def circuit_names() -> list[str]:
    """Return the names of all circuits, found by looking at this folder."""
    modules = {name: import_module(f"{__name__}.{name}") for name in module_names(__name__)}
    return [name for name, module in modules.items() if hasattr(module, name)]


def build_circuit(name: str, **arguments: Any) -> QuantumCircuit:
    """Build a circuit by its name. Raises ConfigError for an unknown name."""
    check_name(name, circuit_names(), "circuit")
    builder: Callable[..., QuantumCircuit] = getattr(import_module(f"{__name__}.{name}"), name)
    return builder(**arguments)
