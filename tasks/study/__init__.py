"""What a stage is told: the study, its configuration, its folds, and what a stage is."""
