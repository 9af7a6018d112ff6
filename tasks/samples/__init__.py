"""What a model eats: samples of some slides, read on demand."""
