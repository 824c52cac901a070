"""Small images: scikit-learn's 8x8 handwritten digits."""

import numpy as np
from numpy.typing import NDArray


def digits(per_class: int = 1) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the first `per_class` images of each digit, `(n, 8, 8)` in [0, 1], and labels.

    From `sklearn.datasets.load_digits`, which carries its data with it: no download.
    """
    from sklearn.datasets import load_digits

    data = load_digits()
    rows = np.concatenate([np.flatnonzero(data.target == d)[:per_class] for d in range(10)])
    return data.images[rows] / 16.0, data.target[rows]


def psnr(mse: NDArray[np.float64], cap: float) -> NDArray[np.float64]:
    """Return the peak signal-to-noise ratio in dB for a peak of 1, at most `cap`.

    An image of low rank is restored without error, whose ratio would be infinite.
    """
    floor = 10.0 ** (-cap / 10)
    out: NDArray[np.float64] = -10 * np.log10(np.maximum(mse, floor))
    return out
