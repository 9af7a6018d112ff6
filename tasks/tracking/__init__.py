"""The only files that import mlflow."""
