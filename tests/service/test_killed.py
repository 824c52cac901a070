"""`kill -9` at any moment of a submission, then the same command: exactly the jobs needed."""

from collections import Counter

import pytest
from killing import killed

_SCRIPT = """
    for moment in map(int, sys.argv[2:]):
        os.environ["QREC_RUNS_DIR"] = f"{os.environ['BASE']}/{moment}"
        submit = ("submit", sys.argv[1], "-b", "qpu", "--yes")
        found = [child(*submit, moment=moment), child(*submit)]
        found += [child("fetch", "latest") for _ in range(2)]
        print(json.dumps([moment, *found]), flush=True)
"""


@pytest.mark.slow
def test_killed_submission_ends_with_the_jobs_that_were_needed(service, experiment_file, tmp_path):
    moments = [7, 26, *range(45, 63)]  # of 62 at the time of writing; the request leaves late
    found = killed(_SCRIPT, experiment_file, *moments, BASE=str(tmp_path))
    for moment, first, again, _, fetched in found:
        assert (first in (-9, 0), again, fetched) == (True, 0, 0), f"moment {moment}"
        [_] = (tmp_path / str(moment)).glob("[0-9]*")
        assert not list((tmp_path / str(moment)).rglob(".unfinished-*"))
    assert sum(first == -9 for _, first, *_ in found) >= 0.5 * len(found)
    uids = Counter(job.body["tags"][0] for job in service.jobs.values())
    assert set(uids.values()) == {1}
    assert len(uids) == len(found)
