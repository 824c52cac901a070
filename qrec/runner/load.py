"""From an experiment's file, name or mapping, with changes, to the experiment; and from a run."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import Any

import yaml

from qrec.backends.open import check_recorded
from qrec.config import parse_fields, parse_yaml, read_yaml
from qrec.errors import ConfigError
from qrec.experiments import experiment_class
from qrec.experiments.base import Experiment, Places
from qrec.registry import check_name, door, experiment_paths
from qrec.runs.files import understood
from qrec.runs.folder import RunFolder
from qrec.runs.record import RecordedBackend
from qrec.runs.trust import code_folder, is_own

Source = str | Path | Mapping[str, Any]


def load(
    source: Source,
    overrides: Mapping[str, Any] | None = None,
    backends: Sequence[str] | None = None,
    places: Places | None = None,
) -> Experiment:
    """Return the experiment in a file, of a packaged name, or in a mapping of the same form.

    `overrides` change values by dotted keys, in order (see `override`); `backends` replace
    those that its circuits run on. Own code that a file names runs if it lies beside the file
    and is the user's, or where `places` allow it; a mapping is the user's code already. Raises
    ConfigError for what cannot be right.
    """
    places = places or Places()
    content, where, folder, question = _read(source)
    places = replace(
        places, code=folder, allow_code=places.allow_code or isinstance(source, Mapping)
    )
    with opened(places):
        cls = experiment_class(content.get("kind"), where)
        spec = _spec(cls, content, where, overrides or {})
        if backends:
            spec = spec.with_backends(list(dict.fromkeys(backends)))
        experiment = cls(spec, places)
        experiment.question = question
        return experiment


def _spec(
    cls: type[Experiment], content: dict[str, Any], where: str, overrides: Mapping[str, Any]
) -> Any:
    """Return the spec of an experiment's content with changes; what these break is theirs."""
    known, changed = list(cls.Spec.model_fields), content
    for key, value in overrides.items():
        changed = override(changed, key, value, known)
    try:
        return parse_fields(cls.Spec, changed, where)
    except ConfigError:
        if not overrides:
            raise
        parse_fields(cls.Spec, content, where)  # raises where it is the file that is wrong
    return parse_fields(cls.Spec, changed, " ".join(f"--set {key}" for key in overrides))


def restore(folder: RunFolder, places: Places | None = None) -> Experiment:
    """Return the experiment of a run, with the backends and on the data with which it began.

    Own code is looked for where the run was begun from here; where `places` allow it, also in the
    copy that the run has: a run folder from elsewhere runs nothing by itself. Raises ConfigError
    and DataError where the run is not what it was.
    """
    places = places or Places()
    folder.check_plain()
    code = code_folder(folder)
    if places.allow_code and not (code and code.is_dir()):
        code = folder.path / "code"
    places = replace(places, code=code)
    content, where = folder.spec(), str(folder.path / "spec.yaml")
    with opened(places):
        cls = experiment_class(content.get("kind"), where)
        spec = parse_fields(cls.Spec, content, where)
        experiment, record = cls(spec, places), folder.record()
        _check_backends(experiment, record.backends, folder)
        for name, entry in record.backends.items():
            if not (places.allow_code or is_own(folder)):
                check_recorded(entry.spec, f"run {folder.id}: {name}", places.backends_file)
        path = folder.path / "record.json"
        with understood(path, f"the record of {spec.kind}"):
            try:
                experiment.use_recorded(record.details)
            except ConfigError as error:
                raise ConfigError(f"{path}: {error}") from None
        for name, snapshot in folder.snapshots().items():
            experiment.backend(name).pin(snapshot)
        return experiment


def _check_backends(
    experiment: Experiment, recorded: Mapping[str, RecordedBackend], folder: RunFolder
) -> None:
    """Raise ConfigError where others are recorded than asked: today's would be taken for them."""
    asked = set(experiment.backend_names())
    if asked != set(recorded):
        raise ConfigError(
            f"{folder.path / 'record.json'}: details.backends: found {sorted(recorded)}, expected "
            f"those that spec.yaml names: {sorted(asked)}"
        )


@contextmanager
def opened(places: Places) -> Iterator[None]:
    """Open the door to own code as far as `places` say."""
    with door(places.code, places.allow_code):
        yield


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
        return key, parse_yaml(value)
    except (yaml.YAMLError, RecursionError) as error:
        said = " ".join(str(error).split())
        raise ConfigError(f"--set {key}: the value is not valid YAML: {said}") from None


def _replace(old: Any, rest: list[str], value: Any, key: str) -> Any:
    if not rest:
        return value
    head, *deeper = rest
    if isinstance(old, list) and all(isinstance(entry, dict) for entry in old):
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


def _read(source: Source) -> tuple[dict[str, Any], str, Path | None, str]:
    """Return an experiment's content, where it came from, its file's folder, and its question."""
    if isinstance(source, Mapping):
        return dict(source), "experiment", Path.cwd(), ""
    path, folder = Path(source), Path(source).resolve().parent
    if path.suffix not in (".yaml", ".yml") and not path.is_file():
        known = experiment_paths()
        check_name(str(source), sorted(known), "experiment")
        path, folder = known[str(source)], Path.cwd()
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: expected a mapping with the keys of an experiment")
    return content, str(path), folder, _heading_comment(path.read_text(encoding="utf-8"))


def _heading_comment(text: str) -> str:
    """Return the comment that stands before the first key of a YAML file."""
    lines = takewhile(lambda line: line.startswith("#"), text.splitlines())
    return "\n".join(line.removeprefix("#").removeprefix(" ") for line in lines)
