"""The review page: one self-contained HTML file in which a study's slides, maps and scores are looked at."""
