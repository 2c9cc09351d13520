"""Lineup: what is compared. The contract is `detectors.api`; each room holds one kind of method."""
