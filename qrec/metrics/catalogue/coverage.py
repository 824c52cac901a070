"""``coverage@n``: how much of the catalogue is recommended to anybody."""

import numpy as np

from qrec.metrics._metric import Score
from qrec.metrics.catalogue._lists import ListMetric, Lists


def coverage(lists: Lists) -> Score:
    """Return the part of the catalogue that stands in at least one list.

    It grows with the number of users and is no mean over them: the standard error is the
    jackknife's, from what each user alone adds, which is rather too large than too small (Efron
    and Stein, Annals of Statistics 9, 1981).
    """
    n_items = len(lists.times)
    alone = lists.sums((lists.times == 1).astype(float)) / n_items
    n = len(alone)
    stderr = float(np.sqrt((n - 1) / n * np.sum((alone - alone.mean()) ** 2))) if n > 1 else np.nan
    return Score(float((lists.times > 0).mean()) if n else np.nan, stderr)


METRIC = ListMetric("cover", coverage, "{:.3f}")
