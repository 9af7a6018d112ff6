"""Recording studies in MLflow. Only this package imports mlflow."""
