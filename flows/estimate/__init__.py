"""What a study will cost in room and time, told before it runs."""
