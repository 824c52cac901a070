"""Fitting the recommenders of a comparison, once per repeat, and keeping them on disk."""

import json
import time
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any

from sklearn.base import clone
from sklearn.model_selection import ParameterGrid

from qrec.data import Split
from qrec.errors import ConfigError
from qrec.experiments._entries import ComparisonSpec, Entry
from qrec.recommenders import load_recommender
from qrec.recommenders.base import Recommender
from qrec.runs.files import write_folder, write_json
from qrec.runs.folder import RunFolder
from qrec.seeds import child_seed

_NOTES = "fit.json"


class Fitted:
    """The fitted recommenders of one repeat, by label.

    Each is fitted when first asked for and saved whole; a resumed run loads it. Parameters in
    an entry's grid are chosen by RMSE on the validation part, and by nothing else.
    """

    def __init__(self, spec: ComparisonSpec, repeat: int, split: Split, folder: RunFolder) -> None:
        self._spec, self._repeat = spec, repeat
        self._split, self._folder = split, folder
        self._models: dict[str, Recommender] = {}

    def model(self, entry: Entry) -> Recommender:
        """Return the fitted recommender of `entry`."""
        if entry.label not in self._models:
            path = self._path(entry)
            if path.is_dir():
                self._models[entry.label] = load_recommender(path)
            else:
                self._models[entry.label] = self._fit(entry, path)
        return self._models[entry.label]

    def notes(self, entry: Entry) -> dict[str, Any]:
        """Return what was noted when `entry` was fitted: parameters, seconds, validation RMSE."""
        notes: dict[str, Any] = json.loads((self._path(entry) / _NOTES).read_text())
        return notes

    def _fit(self, entry: Entry, path: Path) -> Recommender:
        begun = time.perf_counter()
        tried = [self._try(entry, candidate) for candidate in ParameterGrid(entry.grid)]
        best = min(tried, key=lambda t: t.validation_rmse or 0.0)  # an empty grid has one candidate
        notes = {
            "params": entry.params | best.chosen,
            "chosen": best.chosen,
            "fit_seconds": best.seconds,
            "tune_seconds": time.perf_counter() - begun if entry.grid else None,
            "validation_rmse": best.validation_rmse,
        }

        def fill(folder: Path) -> None:
            best.model.save(folder)
            write_json(folder / _NOTES, notes)

        write_folder(path, fill)
        return best.model

    def _try(self, entry: Entry, chosen: dict[str, Any]) -> "_Tried":
        validation = self._split.validation
        seed = child_seed(self._spec.seed, "repeat", self._repeat, "fit", entry.label)
        bases = {name: self.model(self._spec.entry(of)) for name, of in entry.references.items()}
        model = build(entry, entry.params | chosen, bases, seed)
        begun = time.perf_counter()
        model.fit(self._split.train, validation=validation)
        seconds = time.perf_counter() - begun
        if not entry.grid:
            return _Tried(model, chosen, seconds, None)
        if validation is None:
            raise ConfigError(
                f"recommenders.{entry.label}: a grid is chosen on the validation part, "
                f"but split {self._spec.split} leaves none"
            )
        return _Tried(model, chosen, seconds, -model.score(validation))

    def _path(self, entry: Entry) -> Path:
        return self._folder.model_path(f"{entry.label}.r{self._repeat}")


@dataclass(frozen=True)
class _Tried:
    """A candidate of a grid, fitted."""

    model: Recommender
    chosen: dict[str, Any]
    seconds: float
    validation_rmse: float | None  # None where there was nothing to choose


def build(
    entry: Entry, params: dict[str, Any], bases: dict[str, Recommender], seed: int
) -> Recommender:
    """Return the unfitted recommender of `entry`.

    `bases` are given for the parameters that refer to other entries: as they are where the
    recommender keeps a fitted one (``prefit``), as unfitted clones elsewhere. `seed` becomes
    its `random_state` unless the entry sets one.
    """
    known = signature(entry.cls).parameters
    prefit = params.get("prefit", known["prefit"].default if "prefit" in known else False)
    given = {name: base if prefit else clone(base) for name, base in bases.items()}
    if "random_state" in known:
        params = {"random_state": seed} | params
    return entry.cls(**(params | given))
