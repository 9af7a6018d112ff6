"""What a study says of itself where its arms are compared."""
