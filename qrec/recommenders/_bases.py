"""What models that are built on other recommenders have in common: asking those."""

from collections.abc import Sequence

from sklearn.base import clone

from qrec.backends.open import open_backend
from qrec.backends.workload import Workload
from qrec.data.ratings import Ratings
from qrec.recommenders.base import Recommender
from qrec.recommenders.parameters import is_backend
from qrec.recommenders.quantum import QuantumRecommender
from qrec.types import Array


def predict_parts(base: Recommender, parts: Sequence[Ratings]) -> list[Array]:
    """Return what `base` predicts for each part of some ratings; all circuits are one question."""
    if not isinstance(base, QuantumRecommender):
        return [base.predict(part) for part in parts]
    asked = workloads_of_parts(base, parts)
    found = iter(open_backend(base.backend).run([w for own in asked for w in own]))
    readings = [[next(found) for _ in own] for own in asked]
    return [base.combine(part, own) for part, own in zip(parts, readings, strict=True)]


def workloads_of_parts(base: QuantumRecommender, parts: Sequence[Ratings]) -> list[list[Workload]]:
    """Return what must be evaluated to predict each part."""
    return [base.workloads(part, f"corrected/{i}") for i, part in enumerate(parts)]


def without_device(model: QuantumRecommender) -> QuantumRecommender:
    """Return an unfitted copy that asks noiseless backends alone, as do the models in it."""
    names = [name for name in model.get_params() if is_backend(name)]
    copy: QuantumRecommender = clone(model).set_params(**dict.fromkeys(names))
    return copy
