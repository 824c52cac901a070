"""From an experiment's file, name or mapping, with changes, to the experiment."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

from qrec.config import ExperimentSpec, parse_fields, read_yaml
from qrec.errors import ConfigError
from qrec.experiments._base import BaseExperiment, Places
from qrec.registry import check_name, experiment_paths, flat_modules

Source = str | Path | Mapping[str, Any]


def load_experiment(
    source: Source,
    overrides: Mapping[str, Any] | None = None,
    backends: Sequence[str] | None = None,
    places: Places | None = None,
) -> BaseExperiment:
    """Return the experiment in a file, of a packaged name, or in a mapping of the same form.

    `overrides` change values by dotted keys, in order (see `override`); `backends` replace
    those of its quantum recommenders. Raises ConfigError for what cannot be right.
    """
    content, where = _read(source)
    module = kind_module(content.get("kind"), where)
    known = list(module.SPEC.model_fields)
    for key, value in (overrides or {}).items():
        content = override(content, key, value, known)
    spec = parse_fields(module.SPEC, content, where)
    if backends:
        spec = spec.with_backends(list(backends))
    return _experiment(module, spec, places)


def restore_experiment(content: Mapping[str, Any], places: Places | None = None) -> BaseExperiment:
    """Return the experiment whose resolved spec is `content`, as a run folder holds it."""
    module = kind_module(content["kind"], "spec.yaml")
    return _experiment(module, parse_fields(module.SPEC, dict(content), "spec.yaml"), places)


def kind_module(kind: Any, where: str) -> Any:
    """Return the module of a kind of experiment. Raises ConfigError for an unknown kind."""
    known = [*flat_modules("qrec.experiments"), "speed"]
    if not isinstance(kind, str):
        raise ConfigError(f"{where}: kind: found {kind!r}, expected one of {', '.join(known)}")
    check_name(kind, known, f"kind (in {where})")
    return import_module(f"qrec.experiments.{kind}")


def override(content: dict[str, Any], key: str, value: Any, known: list[str]) -> dict[str, Any]:
    """Return `content` with the value at the dotted `key` replaced.

    The entries of a list of mappings are addressed by their label
    (``recommenders.als.params.n_factors``). A new ``kind`` or ``name`` takes the options of
    the old one away, since they belonged to it. Raises ConfigError for an unknown key; `known`
    are the keys that `content` may have.
    """
    head, *rest = key.split(".")
    check_name(head, known, f"key in --set {key}:")
    return content | {head: _replace(content.get(head), rest, value, key)}


def parse_override(text: str) -> tuple[str, Any]:
    """Split ``key=value``, the value being YAML. Raises ConfigError without an ``=``."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise ConfigError(f"--set {text!r}: expected key=value")
    try:
        return key, yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ConfigError(f"--set {text!r}: the value is not valid YAML: {error}") from None


def _replace(old: Any, rest: list[str], value: Any, key: str) -> Any:
    if not rest:
        return value
    head, *deeper = rest
    if isinstance(old, list):
        labels = [str(entry.get("label")) for entry in old]
        check_name(head, labels, f"entry in --set {key}:")
        place = labels.index(head)
        return [*old[:place], _replace(old[place], deeper, value, key), *old[place + 1 :]]
    if isinstance(old, str):  # a bare name stands for a mapping with that name
        old = {"name": old}
    if old is not None and not isinstance(old, dict):
        raise ConfigError(f"--set {key}: nothing stands below {old!r}")
    old = old or {}
    if head in ("kind", "name") and not deeper:
        return {head: value}
    return old | {head: _replace(old.get(head), deeper, value, key)}


def _read(source: Source) -> tuple[dict[str, Any], str]:
    if isinstance(source, Mapping):
        return dict(source), "experiment"
    path = Path(source)
    if path.suffix not in (".yaml", ".yml") and not path.is_file():
        known = experiment_paths()
        check_name(str(source), sorted(known), "experiment")
        path = known[str(source)]
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: expected a mapping with the keys of an experiment")
    return content, str(path)


def _experiment(module: Any, spec: ExperimentSpec, places: Places | None) -> BaseExperiment:
    experiment: BaseExperiment = module.EXPERIMENT(spec, places or Places())
    return experiment
