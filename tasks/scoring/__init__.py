"""Faithfulness for who brings a network, images and maps: no slides, no Prefect, no store."""
