"""Ensembles: weights from validation ratings alone, every member calibrated, paired differences."""

from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from step_by_step import do_steps, turned

from qrec.errors import ConfigError
from qrec.experiments.ensemble import AddedRow, EnsembleExperiment, StackRow
from qrec.recommenders import ALS, Ensemble, UserItemBias
from qrec.runner.load import load
from qrec.runner.run import run
from qrec.seeds import child_seed
from qrec.types import of_type

SPEC: dict[str, Any] = {
    "schema_version": 1, "kind": "ensemble", "name": "small", "title": "small", "seed": 2,
    "dataset": {"name": "synthetic", "n_users": 60, "n_items": 80, "n_ratings": 1500},
    "split": {"kind": "random", "ratios": [0.6, 0.2, 0.2]},
    "recommenders": [
        {"label": "als", "recommender": "als", "params": {"n_factors": 2}},
        {"label": "bias", "recommender": "bias"},
        {"label": "swap", "recommender": "swap_test", "params": {"base": "@als"}},
        {"label": "hybrid", "recommender": "lstm",
         "params": {"base": "@swap", "prefit": True, "n_epochs": 1}},
    ],
    "ensembles": [["als", "bias"], ["bias", "swap", "hybrid"]],
}  # fmt: skip


def experiment(**changes: Any) -> EnsembleExperiment:
    found = load(deepcopy(SPEC) | changes)
    assert isinstance(found, EnsembleExperiment)
    return found


def rows_of(found: EnsembleExperiment) -> tuple[dict[str, StackRow], list[AddedRow]]:
    rows = found.rows(do_steps(found))
    stacks = {row.members: row for row in of_type(StackRow, rows)}
    return stacks, of_type(AddedRow, rows)


@pytest.fixture(scope="module")
def plain() -> tuple[dict[str, StackRow], list[AddedRow]]:
    return rows_of(experiment())


def test_every_member_is_shown_raw_and_calibrated_alone(plain: tuple) -> None:
    stacks, _ = plain
    assert list(stacks) == ["als", "bias", "swap", "hybrid", "als+bias", "bias+swap+hybrid"]
    for label in ("als", "bias", "swap", "hybrid"):
        assert stacks[label].raw is not None
        assert len(stacks[label].weights) == 1
    assert stacks["als+bias"].raw is None
    assert len({row.n_pairs for row in stacks.values()}) == 1


def test_what_a_quantum_member_adds_is_the_difference_of_two_rows(plain: tuple) -> None:
    stacks, added = plain
    assert [(row.members, row.without) for row in added] == [
        ("bias+swap+hybrid", "swap"), ("bias+swap+hybrid", "hybrid"),
    ]  # fmt: skip
    pairs = experiment(ensembles=[["bias", "hybrid"], ["bias", "swap", "hybrid"]])
    others, _ = rows_of(pairs)
    expected = stacks["bias+swap+hybrid"].rmse - others["bias+hybrid"].rmse
    assert added[0].difference == pytest.approx(expected)
    assert added[0].difference_stderr > 0


def test_a_row_is_that_of_the_recommender(plain: tuple) -> None:
    stacks, _ = plain
    found = experiment()
    parts = found._split(0)
    seed = child_seed(2, "repeat", 0, "fit", "als")
    members = [
        ALS(n_factors=2, random_state=seed).fit(parts.train),
        UserItemBias().fit(parts.train),
    ]
    model = Ensemble(members, prefit=True).fit(parts.train, validation=parts.validation)
    assert -model.score(parts.test) == pytest.approx(stacks["als+bias"].rmse)
    np.testing.assert_allclose(model.weights_, stacks["als+bias"].weights, rtol=1e-9)


def test_no_weight_has_seen_a_test_rating_and_no_member_a_validation_rating(plain: tuple) -> None:
    stacks, _ = plain
    found = experiment(recommenders=SPEC["recommenders"][:3], ensembles=[["als", "bias"]])
    parts = found._split(0)
    found._splits[0] = turned(parts, parts.test_rows)
    for name, row in rows_of(found)[0].items():
        assert (row.weights, row.intercept) == (stacks[name].weights, stacks[name].intercept)
        assert row.rmse > stacks[name].rmse
    found._splits[0] = turned(parts, parts.validation_rows)
    for name, row in rows_of(found)[0].items():
        assert row.raw == stacks[name].raw
        assert row.weights != stacks[name].weights


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ensembles": [["als", "biass"]]}, r"unknown recommender \(in ensembles\).*'bias'"),
        ({"ensembles": [["als"]]}, "ensembles.0: .*at least 2"),
        ({"ensembles": [["als", "als"]]}, "expected each member once"),
        ({"recommenders": SPEC["recommenders"] * 2}, "have the label 'als'"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(changes: dict, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        experiment(**changes)


def test_a_split_without_validation_is_refused() -> None:
    found = experiment(split={"kind": "random", "ratios": [0.8, 0.0, 0.2]})
    with pytest.raises(ConfigError, match="the split leaves none"):
        found.details()


@pytest.mark.usefixtures("runs_dir")
def test_tables() -> None:
    done = run(deepcopy(SPEC) | {"repeats": 2})
    stacks, added = done.tables
    assert [row[0] for row in stacks.rows][-1] == "bias + swap (q) + hybrid (q)"
    assert len(added.rows) == 2
    assert len(added.rows[0][-1].split()) == 2, "a difference per repeat"
    assert max(map(len, done.table().splitlines())) <= 80
