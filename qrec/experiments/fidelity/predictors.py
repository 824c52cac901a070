"""What predicts a circuit's fidelity: without training, from few numbers, from many."""

import numpy as np
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from qrec.analysis.fidelity import expected_r2
from qrec.experiments.fidelity.labels import Labelled
from qrec.threads import one_thread
from qrec.types import Array

ESP, FORMULA, LSTM = "ESP", "1 - (1 - ESP)^2", "LSTM on gate words"
UNTRAINED = (ESP, FORMULA)


def predictions(train: Labelled, test: Labelled, target: int, seed: int) -> dict[str, Array]:
    """Return what each predictor but the LSTM says of the test circuits, `(n,)`, by its name.

    `target` is the number of the label that is predicted. Those that learn see `train` alone.
    """
    wanted = train.labels[:, target]
    isotonic = IsotonicRegression(out_of_bounds="clip").fit(train.success, wanted)
    ridge = make_pipeline(StandardScaler(), Ridge(alpha=1.0)).fit(train.counts, wanted)
    return {
        ESP: test.success,
        FORMULA: np.array([expected_r2(success) for success in test.success]),
        "mean of training": np.full(len(test.success), wanted.mean()),
        "isotonic on ESP": isotonic.predict(test.success),
        "ridge on counts": ridge.predict(test.counts),
        "trees on counts": _boosted(train.counts, wanted, test.counts, seed),
        "trees on counts, ESP, qubits": _boosted(_all(train), wanted, _all(test), seed),
    }


def _all(data: Labelled) -> Array:
    return np.column_stack([data.counts, data.success, data.qubits])


def _boosted(columns: Array, wanted: Array, asked: Array, seed: int) -> Array:
    model = GradientBoostingRegressor(
        n_estimators=200, max_depth=4, subsample=0.7, random_state=seed
    )
    with one_thread():
        found: Array = model.fit(columns, wanted).predict(asked)
    return found
