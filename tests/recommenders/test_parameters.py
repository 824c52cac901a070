"""The bounds that stand in the signatures."""

from inspect import signature
from typing import Annotated, Any, Literal, get_type_hints

import numpy as np
import pytest
from annotated_types import Ge, Gt, Le

from qrec.backends import open_backend
from qrec.errors import ConfigError
from qrec.recommenders import (
    ALS,
    SwapTest,
    UserMean,
    check_parameters,
    recommender_class,
    recommender_names,
)
from qrec.recommenders.base import Recommender


class Bounded(Recommender):
    def __init__(
        self,
        n: Annotated[int, Ge(1), Le(6)] = 1,
        rate: Annotated[float, Gt(0)] = 0.1,
        at_most: Annotated[int, Ge(1)] | None = None,
        kind: Literal["a", "b"] = "a",
        flag: bool = False,
        base: ALS | None = None,
        free=None,
    ) -> None: ...


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"n": "four"}, "Bounded: n is 'four'; expected an integer of at least 1 and at most 6"),
        ({"n": 0}, "n is 0; expected"),
        ({"n": 7}, "n is 7; expected"),
        ({"n": True}, "n is True; expected"),
        ({"n": 2.0}, "n is 2.0; expected"),
        ({"n": None}, "n is None; expected"),
        ({"rate": 0.0}, "rate is 0.0; expected a number of more than 0"),
        ({"rate": float("nan")}, "rate is nan; expected"),
        ({"at_most": 0}, "at_most is 0; expected an integer of at least 1 or None"),
        ({"kind": "c"}, "kind is 'c'; expected 'a' or 'b'"),
        ({"kind": ["a"]}, r"kind is \['a'\]; expected 'a' or 'b'"),
        ({"flag": 1}, "flag is 1; expected True or False"),
        ({"base": "als"}, "base is 'als'; expected a ALS or, in an experiment, @ and the label"),
        ({"base": UserMean()}, "base is UserMean.*; expected a ALS"),
        ({"nn": 3}, "unknown parameter of Bounded 'nn'; did you mean 'n'"),
    ],
)
def test_what_is_not_allowed(params: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        check_parameters(Bounded, params)


@pytest.mark.parametrize(
    "params",
    [
        {"n": np.int64(6), "rate": 3, "at_most": None, "flag": np.True_, "kind": "b"},
        {"base": "@als", "free": object()},
        {"base": ALS()},
        {"base": None, "at_most": 3},
    ],
)
def test_what_is_allowed(params: dict[str, Any]) -> None:
    check_parameters(Bounded, params)


def test_a_reference_is_for_experiments_alone(ratings) -> None:
    check_parameters(SwapTest, {"base": "@als"})
    with pytest.raises(ConfigError, match="base is '@als'; expected a FactorRecommender or None"):
        SwapTest("@als").fit(ratings)


@pytest.mark.parametrize("backend", [None, "aer_ideal", {"kind": "exact"}, open_backend("exact")])
def test_what_can_be_opened_is_a_backend(backend: Any) -> None:
    check_parameters(SwapTest, {"backend": backend})


def test_a_number_is_no_backend() -> None:
    with pytest.raises(ConfigError, match="backend is 3; expected a string or a mapping"):
        check_parameters(SwapTest, {"backend": 3})


@pytest.mark.parametrize("name", recommender_names())
def test_every_parameter_says_what_it_takes(name: str) -> None:
    cls = recommender_class(name)
    names = list(signature(cls).parameters)
    assert set(names) <= set(get_type_hints(cls.__init__)), "an annotation is missing"
    defaults = {
        key: parameter.default
        for key, parameter in signature(cls).parameters.items()
        if parameter.default is not parameter.empty
    }
    check_parameters(cls, defaults, references=False)
    for key in names:
        with pytest.raises(ConfigError, match=f"{key} is .*; expected"):
            check_parameters(cls, {key: object()})
