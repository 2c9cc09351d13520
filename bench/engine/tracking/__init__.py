"""What follows a run: curves of trainings, answers as they come, and the end, for whoever wants to look at them."""
