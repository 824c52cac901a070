"""From what a user names to circuits: an experiment's, a library's, their own, those of a file."""

import inspect
from collections.abc import Iterator, Mapping, Sequence
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
from qrec.recommenders import recommender_class
from qrec.registry import check_name, door, experiment_paths
from qrec.runner.load import load, opened

_MOST_SIZES = 1000
Sized = tuple[str, dict[str, Any], QuantumCircuit]  # name, swept argument -> value, circuit


def sized_circuits(
    what: str, places: Places, sweep: Mapping[str, Sequence[Any]], besides: Sequence[str] = ()
) -> list[Sized]:
    """Return the circuits that `what` names, built for every combination of swept values.

    A key of `sweep` is an argument of the circuit's function; or a key of the experiment, as of
    `--set`, or a parameter of its recommenders, of all that have it. `besides` are names that are
    known as well. Raises ConfigError for an unknown name, argument or key.
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
    return load(what, _changes(what, places, size), places=places).circuits()


def _changes(what: str, places: Places, size: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of an experiment that a size changes.

    One that is neither a key of the experiment nor dotted is a parameter of all recommenders that
    have it, whatever grid they would choose it from.
    """
    if all("." in key for key in size):
        return dict(size)
    experiment = load(what, places=places)
    content, changes = experiment.spec.model_dump(mode="json"), dict[str, Any]()
    with opened(experiment.places):
        for key, value in size.items():
            if "." in key or key in content:
                changes[key] = value
                continue
            taking = list(_taking(content, key))
            if not taking:
                raise ConfigError(
                    f"--sweep {key}: no recommender of experiment {content['name']!r} has it, and "
                    f"it is no key of it; expected one of {', '.join(content)}, or a dotted one, "
                    f"as of --set"
                )
            for place, grid in taking:
                changes[f"{place}.params.{key}"] = value
                if key in grid:
                    changes[f"{place}.grid"] = {k: v for k, v in grid.items() if k != key}
    return changes


def _taking(content: Mapping[str, Any], key: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield where the entries with a parameter stand in an experiment, and their grids."""
    for entry in content.get("recommenders") or ():
        if key in inspect.signature(recommender_class(entry["recommender"])).parameters:
            yield f"recommenders.{entry['label']}", entry.get("grid") or {}
    for member in content.get("experiments") or ():
        for place, grid in _taking(member, key):
            yield f"experiments.{member['label']}.{place}", grid


def _check_arguments(what: str, size: dict[str, Any]) -> None:
    found = CIRCUITS.find(what)
    takes = [] if isinstance(found, QuantumCircuit) else list(inspect.signature(found).parameters)
    for key in size:
        if not takes:
            raise ConfigError(f"--sweep {key}: {what!r} takes no arguments")
        check_name(key, takes, f"argument of {what} in --sweep")
