"""The controls that every explanation is compared with, where a study names none itself."""

from tasks.explaining.controls import all_controls as all_controls
