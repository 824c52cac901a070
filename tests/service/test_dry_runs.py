"""Every packaged experiment that asks a backend can be submitted: what it would cost is shown."""

import json

import pytest

from qrec.errors import ConfigError
from qrec.registry import experiment_paths
from qrec.runner.load import load

DATA = "{name: synthetic, n_users: 60, n_items: 80, n_ratings: 1500}"
SMALLER = {  # so that what is fitted before a question takes seconds
    "report": [
        f"dataset={DATA}", "n_pairs=5",
        *(f"recommenders.{label}.params.n_factors=3" for label in ("angle_net", "angle_net_report"))
    ],
    "autoencoder": [
        f"experiments.kept.dataset={DATA}", "experiments.kept.layers=[2]",
        f"experiments.ratings.dataset={DATA}", "experiments.ratings.n_pairs=5",
        "experiments.ratings.recommenders.net_learned.params={n_factors: 3}",
        *(
            f"experiments.ratings.recommenders.net_{label}.params.n_latent=1"
            for label in ("zero", "random", "pca", "l2", "l4", "l8", "l16", "l16_measured")
        ),
        *(
            f"experiments.ratings.recommenders.{model}_{label}.params.encoder_layers=1"
            for model in ("net", "ridge")
            for label in ("l4", "l8", "l16", "l16_measured")
        ),
    ],
    "report_claims": [f"dataset={DATA}"],
    "hardware": [f"experiments.recommenders.dataset={DATA}", "experiments.recommenders.n_pairs=5"],
    "noise_impact": [f"dataset={DATA}", "n_pairs=5", "devices=[]"],
    "vqsvd_noise": ["problems=[{n_qubits: 1, n_layers: 1, n_matrices: 2}]", "n_starts=2"],
}  # fmt: skip


def asks_a_backend(name):
    try:
        load(name, backends=["qpu"])
    except ConfigError:
        return False
    return name != "noise_training"  # it trains through gradients, which no device gives


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(experiment_paths()))
@pytest.mark.usefixtures("experiment_file")
def test_dry_run_shows_the_cost_and_sends_nothing(name, qrec, service):
    if not asks_a_backend(name):
        status, _, err = qrec("submit", name, "--dry-run")
        assert (status, service.jobs) == (2, {})
        assert "backend" in err
        return
    changes = [word for change in SMALLER.get(name, []) for word in ("--set", change)]
    limit = ("--max-qpu-seconds", 1e9)
    status, out, err = qrec("submit", name, "-b", "qpu", "--dry-run", "--json", *changes, *limit)
    assert (status, service.jobs) == (0, {}), err
    [row] = json.loads(out)["rows"]
    assert row["executions"] > 0
    assert row["most_executions"] is None or row["most_executions"] >= row["executions"]
