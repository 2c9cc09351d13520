"""What a user asked, and what it comes to before anything is computed."""
