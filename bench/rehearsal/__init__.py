"""What a run would do and how long it would take here, before it is started: its work, times measured rates."""
