"""The review page: one self-contained HTML file to look at the slides, maps and scores of a study."""
