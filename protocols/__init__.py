"""Lineup: what is asked. Protocols are pure functions from data to cells."""
