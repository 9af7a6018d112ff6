"""What is computed from the rows: leaderboard, curves, Pareto front, agreement, extreme tiles."""
