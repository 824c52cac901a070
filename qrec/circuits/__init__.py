"""Circuits: one published construction per file, each returning a `QuantumCircuit`.

Qubit order is Qiskit's: qubit 0 is the lowest bit of a basis state's index. Circuits hold no
measurement and know neither backends nor data sets. A module is a circuit of the library when
it defines a function of its own name, all of whose arguments have defaults. Pieces that several
of them are made of are in `parts`.
"""

from importlib import import_module
from types import ModuleType
from typing import Any

from qiskit import QuantumCircuit

from qrec.errors import ConfigError
from qrec.registry import Group, flat_modules


def _modules() -> dict[str, str]:
    modules = flat_modules(__name__)
    return {name: path for name, path in modules.items() if hasattr(import_module(path), name)}


def _pick(module: ModuleType) -> Any:
    return getattr(module, module.__name__.rpartition(".")[2])


CIRCUITS = Group("circuits", "circuit", _modules, _pick)


def build_circuit(name: str, **arguments: Any) -> QuantumCircuit:
    """Build a circuit by its name; ``module:attribute`` may be a circuit or a function.

    Raises ConfigError for an unknown name, or for what gives no `QuantumCircuit`.
    """
    found = CIRCUITS.find(name)
    try:
        circuit = found if isinstance(found, QuantumCircuit) else found(**arguments)
    except Exception as error:
        if ":" not in name:
            raise
        raise ConfigError(f"circuit {name!r}: {type(error).__name__}: {error}") from error
    if not isinstance(circuit, QuantumCircuit):
        raise ConfigError(
            f"circuit {name!r} gave a {type(circuit).__name__}; expected a QuantumCircuit"
        )
    return circuit
