"""Faithfulness for your own network, images and maps: no slides, no Prefect, no store."""
