"""Claims of papers, the endpoints they name, and the verdict on each."""
