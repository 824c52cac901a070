"""The LSTM corrector: what it adds to its base, and what a constant base shows."""

import numpy as np
import pytest

from qrec.data import Split, load_ratings, split
from qrec.errors import DataError
from qrec.recommenders import GlobalMean, LSTMCorrector, UserItemBias

FAST = {"n_epochs": 3, "learning_rate": 3e-3}


@pytest.fixture(scope="module")
def parts() -> Split:
    return split(load_ratings(n_users=150, n_items=200, n_ratings=8000), seed=1)


def test_the_constant_arm_beats_its_constant(parts: Split) -> None:
    corrected = LSTMCorrector(**FAST).fit(parts.train, validation=parts.validation)
    mean = GlobalMean().fit(parts.train)
    assert corrected.score(parts.test) > mean.score(parts.test) + 0.05


def test_best_epoch_is_kept(parts: Split) -> None:
    model = LSTMCorrector(**FAST).fit(parts.train, validation=parts.validation)
    assert -model.score(parts.validation) == pytest.approx(model.history_.min(), abs=1e-5)


def test_prefit_base_is_taken_as_it_is(parts: Split) -> None:
    base = UserItemBias().fit(parts.train)
    model = LSTMCorrector(base, prefit=True, n_epochs=1)
    assert model.fit(parts.train, validation=parts.validation).base_ is base
    with pytest.raises(DataError, match="prefit has seen all ratings"):
        model.fit(parts.train)
    refitted = LSTMCorrector(base, n_epochs=1).fit(parts.train)
    assert refitted.base_ is not base


def test_prediction_uses_the_base(parts: Split) -> None:
    model = LSTMCorrector(UserItemBias(), n_epochs=1).fit(parts.train)
    base = model.base_.predict(parts.test)
    np.testing.assert_allclose(model.predict(parts.test), base, atol=1.0)
