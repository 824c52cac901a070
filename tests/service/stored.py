"""What finished runs hold."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from qrec.runs.folder import RunFolder


def predictions(folder: RunFolder) -> list[NDArray[Any]]:
    """Return the predictions of all steps of a finished comparison, in the order of names."""
    paths = sorted((folder.path / "outcomes").glob("*.r[0-9].npz"))
    return [np.load(path)["prediction"] for path in paths]
