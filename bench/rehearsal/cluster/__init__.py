"""What a planned run would take on several nodes."""
