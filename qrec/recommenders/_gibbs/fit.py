"""From a circuit and ratings to samples."""

from dataclasses import dataclass

import numpy as np
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparseObservable

from qrec.data.ratings import Ratings
from qrec.recommenders._gibbs.forms import Exact, Form, table_form
from qrec.recommenders._gibbs.posterior import Posterior, walk
from qrec.recommenders._gibbs.sampler import Prior, State
from qrec.recommenders._gibbs.shifted import ShiftedForm
from qrec.recommenders._prior import RegressionPrior, feature_blocks
from qrec.recommenders._roles import Roles
from qrec.seeds import child_seed
from qrec.types import Array

_START = 0.3  # standard deviation of the first angles, in radians


@dataclass(frozen=True)
class Settings:
    """What a recommender's parameters say of the walk."""

    n_samples: int
    n_burn_in: int
    gain: float  # where it starts, and stays unless it is sampled
    sample_gain: bool
    implicit: bool
    side_data: bool
    random_state: int


def form_of(
    backend: Exact, circuit: QuantumCircuit, observable: SparseObservable, roles: Roles
) -> Form:
    """Return a table of what is read where it is small, or the circuit itself."""
    table = table_form(backend, circuit, observable, roles)
    return table or ShiftedForm(backend.expectation(circuit, observable), roles)


def sample(
    form: Form,
    sizes: tuple[int, int, int],
    ratings: Ratings,
    validation: Ratings | None,
    settings: Settings,
) -> tuple[Posterior, Array]:
    """Return samples of the posterior, and the validation RMSE after each sweep.

    `sizes` are the numbers of angles of a user and of an item, and of weights.
    """
    rng = np.random.default_rng(child_seed(settings.random_state, "gibbs"))
    n_rows = ratings.n_users, ratings.n_items
    users, items = (
        np.column_stack([rng.normal(scale=_START, size=(n, size)), np.zeros(n)])
        for n, size in zip(n_rows, sizes[:2], strict=True)
    )
    start = State(users, items, rng.uniform(-np.pi, np.pi, sizes[2]), float(settings.gain))
    return walk(
        form, ratings, _known(validation, ratings), _priors(ratings, sizes, settings), start,
        settings.n_samples, settings.n_burn_in, settings.sample_gain, rng,
    )  # fmt: skip


def _priors(
    ratings: Ratings, sizes: tuple[int, int, int], settings: Settings
) -> tuple[Prior, Prior]:
    users, items = feature_blocks(ratings, implicit=settings.implicit, side_data=settings.side_data)
    return RegressionPrior(users, sizes[0] + 1).draw, RegressionPrior(items, sizes[1] + 1).draw


def _known(validation: Ratings | None, ratings: Ratings) -> Ratings | None:
    """Return the validation ratings of users and items that are learned, if there are any."""
    if validation is None:
        return None
    known = np.isin(validation.user, ratings.user) & np.isin(validation.item, ratings.item)
    return validation[known] if known.any() else None
