"""What a recording tells MLflow of a study: taken from the store, for a finished study or one under way."""
