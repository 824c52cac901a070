"""What `qrec tune` asks of an experiment with entries: the RMSE of one on validation ratings."""

from abc import abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from qrec.data import Split
from qrec.errors import ConfigError
from qrec.experiments.base import Experiment
from qrec.experiments.comparison.fitting import build, fit
from qrec.recommenders.base import Recommender
from qrec.seeds import child_seed

Chosen = Mapping[str, Mapping[str, Any]]  # parameters by label


class TunedExperiment(Experiment):
    """Base of the experiments that can be tuned: their spec has `recommenders` and `tune`."""

    @abstractmethod
    def tuning_split(self) -> Split:
        """Return the split whose validation part decides."""

    def check_tunable(self) -> None:
        """Raise ConfigError where there is nothing to choose on."""
        if self.tuning_split().validation is None:
            raise ConfigError(
                "split: tuning chooses on the validation part, but the split leaves none"
            )

    def validation_rmse(self, label: str, chosen: Chosen) -> float:
        """Return the RMSE of an entry on the validation part; the test part is not read.

        `chosen` are parameters by label, of the entry and of those that it is built on. Seeds
        are those of the run's repeat 0.
        """
        entry, parts = self.spec.entry(label), self.tuning_split()
        assert parts.validation is not None  # `check_tunable` was asked
        bases = {k: self._tuned_base(base, chosen) for k, base in entry.references.items()}
        model = build(entry, chosen[label], bases, self.backend, self._tuned_seed(label))
        return -model.fit(parts.train, validation=parts.validation).score(parts.validation)

    def _tuned_base(self, label: str, chosen: Chosen) -> Recommender:
        """Return an earlier entry fitted with the parameters chosen for it, each kept once."""
        params = dict(chosen.get(label, {}))
        key = label, repr(params)
        if key not in self._tuned_bases:
            entry = self.spec.entry(label)
            bases = {k: self._tuned_base(base, chosen) for k, base in entry.references.items()}
            fixed = {"params": entry.params | params, "grid": {} if params else entry.grid}
            entry, seed = entry.model_copy(update=fixed), self._tuned_seed(label)
            found = fit(entry, 0, self.tuning_split(), bases, self.backend, seed).model
            self._tuned_bases[key] = found
        return self._tuned_bases[key]

    def _tuned_seed(self, label: str) -> int:
        return child_seed(self.spec.seed, "repeat", 0, "fit", label)

    @cached_property
    def _tuned_bases(self) -> dict[tuple[str, str], Recommender]:
        return {}
