"""From what a user names to circuits: an experiment's, a library's, their own, those of a file."""

import inspect
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import yaml
from qiskit import QuantumCircuit

from qrec.circuits import CIRCUITS, build_circuit
from qrec.circuits.files import is_circuit_file, read_circuits
from qrec.config import parse_yaml
from qrec.errors import ConfigError
from qrec.experiments.base import Places
from qrec.registry import check_name, door, experiment_paths
from qrec.runner.load import load

_MOST_SIZES = 1000
Sized = tuple[str, dict[str, Any], QuantumCircuit]  # name, swept argument -> value, circuit


def sized_circuits(
    what: str, places: Places, sweep: Mapping[str, Sequence[Any]], besides: Sequence[str] = ()
) -> list[Sized]:
    """Return the circuits that `what` names, built for every combination of swept values.

    A key of `sweep` is an argument of the circuit's function, or a dotted key of the experiment
    (as of `--set`). `besides` are names that are known as well. Raises ConfigError for an
    unknown name, argument or key.
    """
    names = [dict(zip(sweep, values, strict=True)) for values in product(*sweep.values())]
    return [
        (name, size, circuit)
        for size in names
        for name, circuit in _circuits(what, places, size, besides).items()
    ]


def parse_sweep(text: str) -> tuple[str, list[Any]]:
    """Split ``n_layers=1..5`` or ``n_factors=2,4,8`` into the key and its values."""
    key, equals, values = text.partition("=")
    if not equals or not key or not values:
        raise ConfigError(f"--sweep {text!r}: expected key=1..5 or key=2,4,8")
    first, dots, last = values.partition("..")
    if dots:
        if not (first.isdecimal() and last.isdecimal() and int(first) <= int(last)):
            raise ConfigError(f"--sweep {text!r}: expected whole numbers, as in {key}=1..5")
        if int(last) - int(first) >= _MOST_SIZES:
            raise ConfigError(f"--sweep {text!r}: expected at most {_MOST_SIZES} values")
        return key, list(range(int(first), int(last) + 1))
    try:
        return key, [parse_yaml(value) for value in values.split(",")]
    except (yaml.YAMLError, RecursionError) as error:
        said = " ".join(str(error).split())
        raise ConfigError(f"--sweep {text!r}: a value is not valid YAML: {said}") from None


def _circuits(
    what: str, places: Places, size: dict[str, Any], besides: Sequence[str]
) -> dict[str, QuantumCircuit]:
    if is_circuit_file(what):
        if size:
            raise ConfigError(f"--sweep {next(iter(size))}: a file's circuits have one size")
        return read_circuits(Path(what))
    if ":" in what or what in CIRCUITS.names():
        with door(Path.cwd(), places.allow_code):
            _check_arguments(what, size)
            return {what: build_circuit(what, **size)}
    if not what.endswith((".yaml", ".yml")):
        known = [*CIRCUITS.names(), *experiment_paths(), *besides]
        check_name(what, known, "circuit or experiment")
    return load(what, overrides=size, places=places).circuits()


def _check_arguments(what: str, size: dict[str, Any]) -> None:
    found = CIRCUITS.find(what)
    takes = [] if isinstance(found, QuantumCircuit) else list(inspect.signature(found).parameters)
    for key in size:
        if not takes:
            raise ConfigError(f"--sweep {key}: {what!r} takes no arguments")
        check_name(key, takes, f"argument of {what} in --sweep")
