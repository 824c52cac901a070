"""An experiment that takes seconds."""

SMALL_EXPERIMENT = {
    "schema_version": 1,
    "kind": "comparison",
    "name": "small",
    "title": "a comparison that takes a second",
    "dataset": {"name": "synthetic", "n_users": 60, "n_items": 80, "n_ratings": 1500},
    "split": {"kind": "random", "ratios": [0.6, 0.2, 0.2]},
    "seed": 3,
    "n_pairs": 40,
    "recommenders": [
        {"label": "mean", "recommender": "global_mean"},
        {"label": "als", "recommender": "als", "params": {"n_factors": 2},
         "grid": {"reg": [0.1, 0.3]}},
        {"label": "swap", "recommender": "swap_test", "params": {"base": "@als"},
         "backends": ["exact", "aer_ideal"]},
    ],
}  # fmt: skip
