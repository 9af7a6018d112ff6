"""What a person looks at: heatmaps, exports and the review page."""
