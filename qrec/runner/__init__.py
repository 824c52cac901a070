"""The life of a run, once for all kinds of experiment: load, run, submit, fetch, replay."""
