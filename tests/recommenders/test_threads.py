"""Numbers do not hang on how many threads there are."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from qrec.recommenders import ALS, AngleNet

FIT = """
import hashlib
from qrec.data import load_ratings
from qrec.recommenders import ALS, AngleNet, BayesianMF, EASE, LSTMCorrector, NeuralCorrector
ratings = load_ratings(n_users=150, n_items=200, n_ratings=8000)
for model in (
    ALS(n_factors=24, n_epochs=5),
    BayesianMF(n_factors=24, n_samples=3, n_burn_in=2),
    EASE(),
    LSTMCorrector(n_epochs=1, batch_size=2048, hidden_dim=128),
    NeuralCorrector(cell="gru", sequence_length=5, n_epochs=1),
    NeuralCorrector(cell="transformer", sequence_length=5, n_epochs=1),
    AngleNet(n_epochs=1, batch_size=4096),
):
    print(hashlib.sha256(model.fit(ratings).predict(ratings).tobytes()).hexdigest())
"""


@pytest.mark.slow
def test_models_are_the_same_with_one_thread_and_with_two() -> None:
    found = []
    for threads in ("1", "2"):
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        environment = os.environ | dict.fromkeys(names, threads)
        done = subprocess.run(
            [sys.executable, "-c", FIT], env=environment, capture_output=True, text=True, check=True
        )
        found.append(done.stdout.split())
    assert len(found[0]) == 7
    assert found[0] == found[1]


@pytest.mark.parametrize("cls", [ALS, AngleNet])
def test_a_fit_runs_on_one_thread_and_gives_the_others_back(cls, ratings, monkeypatch) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    seen = []
    fit = cls._fit

    def watched(model, *args) -> None:
        product = np.ones((4, 4)) @ np.ones((4, 4))
        seen.append((torch.get_num_threads(), blas_threads(), product[0, 0]))
        fit(model, *args)

    monkeypatch.setattr(cls, "_fit", watched)
    cls(n_epochs=1).fit(ratings)
    assert seen == [(1, {1}, 4.0)]
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)


def blas_threads() -> set[int]:
    from threadpoolctl import threadpool_info

    return {found["num_threads"] for found in threadpool_info() if found["user_api"] == "blas"}
