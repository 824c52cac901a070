"""The races of `qrec run speed`, one benchmark each: the exact engine's own first row."""

import pytest

from qrec.analysis.table import to_text
from qrec.experiments.speed.race import one_core, run
from qrec.experiments.speed.races import races
from qrec.experiments.speed.tables import race_table

RACES = races()


@pytest.mark.parametrize("name", RACES)
def test_race(benchmark, lines, name):
    race = RACES[name]
    rows = run(race, rounds=5, say=lambda _: None)
    lines.append(to_text(race_table(rows)))
    benchmark.extra_info["rows"] = [row.as_dict() for row in rows]
    call = race.contenders[0].build()
    call()
    with one_core():
        benchmark.pedantic(call, rounds=5)
