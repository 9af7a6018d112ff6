"""The stages, one file each, and the domain packages that they use. Neither imports Prefect."""
