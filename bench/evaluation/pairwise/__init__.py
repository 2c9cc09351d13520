"""Every pair of detectors of a ranking: tests on these generators and across generators, and what follows."""
