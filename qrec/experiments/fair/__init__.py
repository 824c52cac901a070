"""Every recommender under the same protocols, beside the controls that could explain its gain."""
