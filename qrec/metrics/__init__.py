"""How good predictions are, with standard errors, and whether two sets of them differ."""

from qrec.metrics.paired import (
    Difference,
    SeededDifference,
    rmse_difference,
    seeded_rmse_difference,
)
from qrec.metrics.rating import Score, coverage, mae, prediction_range, rmse

__all__ = [
    "Difference",
    "Score",
    "SeededDifference",
    "coverage",
    "mae",
    "prediction_range",
    "rmse",
    "rmse_difference",
    "seeded_rmse_difference",
]
