"""One file per explainer; the only importer of captum."""
