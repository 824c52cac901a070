"""Cold users: what is known of them is what they are given, and nothing else."""

from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from step_by_step import do_steps, turned

from qrec.errors import ConfigError
from qrec.experiments.cold_start import BIAS, ITEMS, ColdRow, ColdStart
from qrec.runner.load import load
from qrec.runner.run import run
from qrec.types import of_type

SPEC: dict[str, Any] = {
    "schema_version": 1, "kind": "cold_start", "name": "small", "title": "small", "seed": 2,
    "dataset": {"name": "synthetic", "n_users": 100, "n_items": 80, "n_ratings": 2500},
    "split": {"kind": "cold_users", "share": 0.3, "validation_share": 0.2, "support": 6},
    "support": [1, 3, 6],
    "recommenders": [
        {"label": "als", "recommender": "als", "params": {"n_factors": 2, "centre": "bias"}},
        {"label": "projection", "recommender": "truncated_svd", "params": {"n_factors": 2}},
        {"label": "swap", "recommender": "swap_test", "params": {"base": "@als"}},
    ],
}  # fmt: skip


def experiment() -> ColdStart:
    found = load(deepcopy(SPEC))
    assert isinstance(found, ColdStart)
    return found


def rows_of(found: ColdStart) -> dict[tuple[str, int], ColdRow]:
    rows = of_type(ColdRow, found.rows(do_steps(found)))
    return {(row.method, row.support): row for row in rows}


@pytest.fixture(scope="module")
def plain() -> dict[tuple[str, int], ColdRow]:
    return rows_of(experiment())


def test_every_method_has_a_row_for_every_support(plain: dict) -> None:
    expected = {(ITEMS, 0)} | {
        (name, q) for name in (BIAS, "als", "projection", "swap") for q in (1, 3, 6)
    }
    assert set(plain) == expected
    assert len({row.n_pairs for row in plain.values()}) == 1, "the same pairs at every support"


def test_scored_ratings_are_seen_by_nothing_that_predicts(plain: dict) -> None:
    found = experiment()
    parts = found._parts
    found.__dict__["_parts"] = turned(parts, parts.test_rows)
    for key, row in rows_of(found).items():
        assert row.gain == plain[key].gain
        # A prediction r of a rating v now errs by r - (6 - v): what follows if r is the same.
        assert row.rmse > plain[key].rmse, key
    biases = do_steps(found)["biases.fit"].model
    np.testing.assert_array_equal(
        biases.item_bias_, do_steps(experiment())["biases.fit"].model.item_bias_
    )


def test_validation_users_move_the_gain_and_nothing_else(plain: dict) -> None:
    found = experiment()
    parts = found._parts
    found.__dict__["_parts"] = turned(parts, parts.validation_rows)
    again = rows_of(found)
    assert all(row.rmse == plain[key].rmse for key, row in again.items())
    assert again["als", 6].gain < 0 < plain["als", 6].gain


def test_a_row_hangs_on_no_rating_given_later(plain: dict) -> None:
    found = experiment()
    parts = found._parts
    user = parts.ratings.user[parts.support_rows]
    counts = np.bincount(user)
    place = np.arange(len(user)) - np.repeat(np.cumsum(counts) - counts, counts)
    found.__dict__["_parts"] = turned(parts, parts.support_rows[place >= 3])
    again = rows_of(found)
    for name in (BIAS, "als", "projection", "swap"):
        assert again[name, 1] == plain[name, 1]
        assert again[name, 3] == plain[name, 3]
        assert again[name, 6].rmse > plain[name, 6].rmse


def test_swap_test_is_what_its_base_is(plain: dict) -> None:
    for support in (1, 3, 6):
        assert plain["swap", support].rmse == pytest.approx(plain["als", support].rmse)


def test_more_is_known_of_whom_something_is_given(plain: dict) -> None:
    assert plain[BIAS, 6].rmse < plain[ITEMS, 0].rmse


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"split": {"kind": "random"}}, "split.kind: found 'random'; expected 'cold_users'"),
        ({"recommenders": [{"label": "bmf", "recommender": "bmf"}]},
         "recommenders.bmf: 'bmf' learns a user only by fit"),
        ({"recommenders": [SPEC["recommenders"][2] | {"backends": ["exact"]}]},
         "expected neither backends nor scored_on"),
        ({"recommenders": [SPEC["recommenders"][2]]}, "@als is no earlier entry; earlier: none"),
        ({"support": [0]}, r"support.0: .*greater than or equal to 1"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_file_is_named(change: dict, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load(deepcopy(SPEC) | change)


@pytest.mark.parametrize(
    ("split", "said"),
    [
        ({"support": 4}, "support: found 6; expected at most split.support, 4"),
        ({"validation_share": 0.0}, "split.validation_share: found 0"),
    ],
)
def test_a_split_that_gives_too_little_is_named(split: dict, said: str) -> None:
    found = load(deepcopy(SPEC) | {"split": SPEC["split"] | split})
    with pytest.raises(ConfigError, match=said):
        found.details()


def test_a_backend_of_shots_is_refused() -> None:
    content = deepcopy(SPEC)
    content["recommenders"][2]["params"]["backend"] = "aer_ideal"
    with pytest.raises(ConfigError, match=r"'aer_ideal' has shots: 1024.*expected one without"):
        load(content).backends()


@pytest.mark.usefixtures("runs_dir")
def test_tables_and_figure() -> None:
    done = run(deepcopy(SPEC))
    table, gains = done.tables
    assert [row[0] for row in table.rows][:3] == [ITEMS, BIAS, "als"]
    assert table.columns == ["method", "1", "3", "6"]
    assert len(gains.rows) == 9
    assert (done.folder.path / "figures" / "support.png").read_bytes()[:4] == b"\x89PNG"
    assert max(map(len, done.table().splitlines())) <= 80
