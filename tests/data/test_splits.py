import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qrec.data import Ratings, Split, load_ratings, split
from qrec.data.table import ratings_from_columns
from qrec.errors import ConfigError, DataError


@pytest.fixture(scope="module")
def ratings() -> Ratings:
    return load_ratings("synthetic", n_users=60, n_items=90, n_ratings=1500)


def all_rows(parts: Split) -> list[int]:
    return sorted([*parts.train_rows, *parts.validation_rows, *parts.test_rows])


KINDS = ["random", "temporal", "leave_last_out", "kfold"]


@given(kind=st.sampled_from(KINDS), seed=st.integers(0, 2**32), n=st.integers(10, 1500))
def test_parts_are_disjoint_and_cover_all_rows(kind, seed, n, ratings):
    some = ratings[:n]
    parts = split(some, kind, seed=seed)
    assert all_rows(parts) == list(range(n))
    np.testing.assert_array_equal(parts.test.value, some.value[parts.test_rows])
    np.testing.assert_array_equal(parts.train.pairs, some.pairs[parts.train_rows])


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_split(kind, ratings):
    first, again = split(ratings, kind, seed=4), split(ratings, kind, seed=4)
    np.testing.assert_array_equal(first.train_rows, again.train_rows)
    np.testing.assert_array_equal(first.test_rows, again.test_rows)


@pytest.mark.parametrize("kind", ["random", "kfold"])
def test_another_seed_gives_another_split(kind, ratings):
    first, other = split(ratings, kind, seed=4), split(ratings, kind, seed=5)
    assert not np.array_equal(first.test_rows, other.test_rows)


def test_random_has_the_sizes_asked_for(ratings):
    parts = split(ratings, ratios=(0.5, 0.1, 0.4))
    assert (len(parts.train), len(parts.validation), len(parts.test)) == (750, 150, 600)


def test_no_validation_part_is_none(ratings):
    assert split(ratings, ratios=(0.8, 0, 0.2)).validation is None
    assert split(ratings, "kfold", validation_ratio=0).validation is None


def test_temporal_trains_on_the_past(ratings):
    parts = split(ratings, "temporal")
    assert parts.train.timestamp.max() <= parts.validation.timestamp.min()
    assert parts.validation.timestamp.max() <= parts.test.timestamp.min()


def test_leave_last_out_takes_each_users_latest(ratings):
    parts = split(ratings[np.random.default_rng(0).permutation(1500)], "leave_last_out")
    np.testing.assert_array_equal(np.sort(parts.test.user), np.arange(60))
    for user, when in zip(parts.test.user, parts.test.timestamp, strict=True):
        earlier = parts.validation.timestamp[parts.validation.user == user]
        assert parts.train.timestamp[parts.train.user == user].max() < earlier < when


def test_leave_last_out_only_trains_on_users_with_two_ratings():
    columns = [1, 1, 2, 2, 2, 3], [1, 2, 1, 2, 3, 1], [3] * 6, [1, 2, 3, 4, 5, 6]
    parts = split(ratings_from_columns(*columns, scale=(1, 5)), "leave_last_out")
    assert parts.train_rows.tolist() == [0, 1, 2, 5]
    assert (parts.validation_rows.tolist(), parts.test_rows.tolist()) == ([3], [4])


def test_folds_test_each_row_once(ratings):
    folds = [split(ratings, "kfold", n_folds=4, fold=k, seed=1).test_rows for k in range(4)]
    assert sorted(np.concatenate(folds)) == list(range(1500))


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("randon", {}, "unknown split 'randon'; did you mean 'random'.*u1"),
        ("random", {"fold": 1}, "split 'random' has no option 'fold'; its options: ratios"),
        ("random", {"ratios": (0.6, 0.3, 0.2)}, r"found \[0.6, 0.3, 0.2\].*add up to 1"),
        ("random", {"ratios": (1.2, -0.4, 0.2)}, "none negative"),
        ("kfold", {"fold": 5}, "found fold=5, n_folds=5"),
        ("kfold", {"validation_ratio": 1.0}, "validation_ratio: found 1.0"),
        ("random", {"ratios": "abc"}, "split 'random': found ratios 'abc', expected a list, each"),
        ("random", {"ratios": 0.5}, "found ratios 0.5, expected a list, each entry a finite num"),
        ("random", {"ratios": None}, "found ratios None, expected a list"),
        ("random", {"ratios": [0.6, 0.2, "0.2"]}, "found ratios .*'0.2'.*, expected a list"),
        ("temporal", {"ratios": (float("nan"), 0.5, 0.5)}, "found ratios .nan.* a finite number"),
        ("random", {"ratios": {0.6: 1}}, "found ratios"),
        ("random", {"ratios": [True, False, False]}, "found ratios"),
        ("random", {"ratios": [0.5, 0.5]}, r"found \[0.5, 0.5\], expected three"),
        ("kfold", {"fold": 1.0}, "split 'kfold': found fold 1.0, expected an integer"),
        ("kfold", {"n_folds": True}, "found n_folds True, expected an integer"),
        ("u1", {"validation_ratio": "0.2"}, "found validation_ratio '0.2', expected a finite"),
        ("leave_last", {"ratios": (0.6, 0.3, 0.2)}, r"found \[0.6, 0.3, 0.2\].*add up to 1"),
        ("random", {"train_share": 0.0}, "train_share: found 0.0, expected more than 0 and at mos"),
        ("kfold", {"train_share": 1.5}, "train_share: found 1.5, expected more than 0 and at most"),
        ("random", {"train_share": "5 %"}, "found train_share '5 %', expected a finite number"),
        ("random", {"seed": -1}, "seed: found -1, expected an integer, 0 or more"),
        ("random", {"seed": "a"}, "seed: found 'a', expected"),
        ("temporal", {"seed": 0.5}, "seed: found 0.5, expected"),
        ("kfold", {"seed": True}, "seed: found True, expected"),
    ],
)
def test_a_wrong_kind_or_option_is_named(kind, options, message, ratings):
    with pytest.raises(ConfigError, match=message):
        split(ratings, kind, **options)


def test_numbers_of_numpy_are_numbers(ratings):
    ours = split(ratings, "kfold", n_folds=np.int64(4), fold=np.int32(1), seed=np.int64(3))
    np.testing.assert_array_equal(
        ours.test_rows, split(ratings, "kfold", n_folds=4, fold=1, seed=3).test_rows
    )
    assert split(ratings, ratios=np.array([0.5, 0.25, 0.25])).sizes["train"] == 750


def test_an_empty_part_is_an_error(ratings):
    with pytest.raises(DataError, match="test part of the split is empty"):
        split(ratings, ratios=(0.8, 0.2, 0))
    with pytest.raises(DataError, match="validation part of the split is empty"):
        split(ratings[:10], ratios=(0.5, 0.01, 0.49))
    with pytest.raises(DataError, match="test part of the split is empty"):
        split(ratings[:2], "leave_last_out")


def test_overlapping_parts_are_an_error(ratings):
    with pytest.raises(DataError, match=r"row 7 .* more than one part"):
        Split(ratings, np.array([1, 7]), np.array([], dtype=int), np.array([7, 8]))


def test_temporal_needs_timestamps():
    bare = ratings_from_columns([1, 2], [1, 2], [3, 3], scale=(1, 5))
    with pytest.raises(DataError, match="split 'temporal' needs timestamps"):
        split(bare, "temporal")


@pytest.mark.parametrize(
    ("name", "sizes"),
    [(f"u{k}", (80_000, 20_000)) for k in range(1, 6)]
    + [("ua", (90_570, 9_430)), ("ub", (90_570, 9_430))],
)
def test_published_splits(name, sizes, data_dir):
    ratings = load_ratings("ml-100k", data_dir=data_dir)
    parts = split(ratings, name, data_dir=data_dir, validation_ratio=0)
    assert (len(parts.train), len(parts.test)) == sizes
    assert all_rows(parts) == list(range(100_000))
    published = np.loadtxt(data_dir / "ml-100k" / f"{name}.test", dtype=int)
    ours = np.column_stack(
        [ratings.user_ids[parts.test.user], ratings.item_ids[parts.test.item], parts.test.value]
    )
    assert set(map(tuple, ours.astype(int))) == set(map(tuple, published[:, :3]))


def test_published_splits_hold_out_a_part_for_validation(data_dir):
    parts = split(load_ratings("ml-100k", data_dir=data_dir), "u2", data_dir=data_dir)
    assert (len(parts.train), len(parts.validation)) == (64_000, 16_000)


def test_published_splits_refuse_other_ratings(ratings, data_dir):
    with pytest.raises(DataError, match="expected the whole of ml-100k"):
        split(ratings, "u1", data_dir=data_dir)
    half = load_ratings("ml-100k", data_dir=data_dir)[:50_000]
    with pytest.raises(DataError, match="expected the whole of ml-100k"):
        split(half, "u1", data_dir=data_dir)


COLD = {"share": 0.25, "validation_share": 0.25, "support": 5}


def users(part: Ratings) -> set[int]:
    return set(part.user.tolist())


def test_cold_users_are_in_no_training_row(ratings):
    parts = split(ratings, "cold_users", seed=3, **COLD)
    rows = all_rows(parts) + parts.support_rows.tolist()
    assert sorted(rows) == list(range(1500))
    cold = users(parts.test) | users(parts.validation)
    assert not cold & users(parts.train)
    assert not users(parts.test) & users(parts.validation)
    assert users(parts.support) == cold
    rated = np.bincount(ratings.user)
    assert len(users(parts.test)) == len(users(parts.validation)) == round(0.25 * sum(rated > 5))
    assert set(np.bincount(parts.support.user)) == {0, 5}
    assert parts.sizes["support"] == 5 * len(cold)


def test_support_is_drawn_anew_by_seed_and_grows_with_its_size(ratings):
    def given(seed: int, support: int) -> Ratings:
        return split(ratings, "cold_users", seed=seed, **COLD | {"support": support}).support

    few, more = given(3, 5), given(3, 8)
    user = next(iter(users(few) & users(more)))
    first = more.item[more.user == user][:5]
    np.testing.assert_array_equal(few.item[few.user == user], first)
    assert users(few) != users(given(4, 5))
    assert (np.diff(few.item[few.user == user]) < 0).any(), "in the order drawn, not by item"


def test_other_kinds_set_no_support_aside(ratings):
    parts = split(ratings)
    assert parts.support is None
    assert "support" not in parts.sizes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"share": 0.0}, "found share=0.0, validation_share=0.1, expected more than 0"),
        ({"share": 0.7, "validation_share": 0.3}, "together less than 1"),
        ({"support": 0}, "found support=0, expected at least 1"),
    ],
)
def test_impossible_cold_users_are_named(options, message, ratings):
    with pytest.raises(ConfigError, match=f"split 'cold_users': {message}|{message}"):
        split(ratings, "cold_users", **options)


def test_nobody_with_enough_ratings_is_an_error(ratings):
    with pytest.raises(DataError, match="test part of the split is empty"):
        split(ratings, "cold_users", support=1000)


def test_support_that_is_also_scored_is_an_error(ratings):
    nothing = np.array([], dtype=int)
    with pytest.raises(DataError, match=r"row 8 .* more than one part"):
        Split(ratings, np.array([1]), nothing, np.array([7, 8]), np.array([8]))


def test_published_splits_are_read_from_the_folder_that_is_named(ratings, tmp_path, monkeypatch):
    asked = []

    def rows(_, name, folder):
        asked.append((name, folder))
        return np.arange(10, 1500), np.arange(10)

    monkeypatch.setattr("qrec.data.splits.published_rows", rows)
    assert len(split(ratings, "u1", data_dir=str(tmp_path)).test) == 10
    split(ratings, "ua")
    assert asked == [("u1", tmp_path), ("ua", None)]


def sittings(n_users: int, n_ratings: int, seconds: int, seed: int) -> Ratings:
    """Return ratings of which many of one user's carry the same second."""
    draw = np.random.default_rng(seed)
    user = draw.integers(0, n_users, n_ratings)
    columns = user, np.arange(n_ratings), np.full(n_ratings, 3.0)
    return ratings_from_columns(*columns, draw.integers(0, seconds, n_ratings), scale=(1, 5))


@given(
    n_users=st.integers(1, 6), n_ratings=st.integers(40, 200), seconds=st.integers(1, 30),
    seed=st.integers(0, 2**32),
)  # fmt: skip
def test_nothing_that_a_user_is_tested_on_is_earlier_than_what_is_trained_on(
    n_users, n_ratings, seconds, seed
):
    some = sittings(n_users, n_ratings, seconds, seed)
    parts = split(some, "leave_last", seed=seed)
    assert all_rows(parts) == list(range(n_ratings))
    for user in range(some.n_users):
        train, validation, test = (
            part.timestamp[part.user == user]
            for part in (parts.train, parts.validation, parts.test)
        )
        of_user = int((some.user == user).sum())
        assert len(test) == len(validation) == of_user // 5
        if len(test):
            assert train.max() <= validation.min()
            assert validation.max() <= test.min()


def test_leave_last_cuts_a_second_at_random():
    one_second = sittings(3, 300, 1, 0)
    tested = [split(one_second, "leave_last", seed=seed).test_rows for seed in (4, 4, 5)]
    np.testing.assert_array_equal(tested[0], tested[1])
    assert not np.array_equal(tested[0], tested[2])
    assert tested[0].min() < 100, "not the last of the file"


def test_leave_last_takes_whole_shares(ratings):
    parts = split(ratings, "leave_last", ratios=(0.42, 0.29, 0.29))
    rated = np.bincount(ratings.user)
    np.testing.assert_array_equal(np.bincount(parts.test.user), rated * 29 // 100)


@given(
    kind=st.sampled_from([*KINDS, "leave_last"]), seed=st.integers(0, 2**32),
    shares=st.lists(st.floats(0.05, 1), min_size=2, max_size=2),
)  # fmt: skip
def test_less_training_data_is_among_more_of_it_and_all_else_stays(kind, seed, shares, ratings):
    whole = split(ratings, kind, seed=seed)
    less, more = (split(ratings, kind, seed=seed, train_share=share) for share in sorted(shares))
    assert set(less.train_rows) <= set(more.train_rows) <= set(whole.train_rows)
    assert len(less.train_rows) == round(min(shares) * len(whole.train_rows))
    for parts in (less, more):
        np.testing.assert_array_equal(parts.test_rows, whole.test_rows)
        np.testing.assert_array_equal(parts.validation_rows, whole.validation_rows)
