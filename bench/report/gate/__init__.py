"""What a run of the gate found: on the terminal, as JUnit XML, as Markdown and as one JSON document."""
