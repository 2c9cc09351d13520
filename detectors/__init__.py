"""What is compared: one module per family of detectors, behind the contract of `detectors.api`."""
