"""A device as it was at one time: snapshot, target, noise, transpiling, compaction."""
