"""Protocols whose images are degraded, in training or in testing."""
