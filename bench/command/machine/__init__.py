"""Commands about the machine that Lineup runs on."""
