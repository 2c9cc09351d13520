"""What is measured beside the usual, or otherwise than scores were stored, when it is asked for."""
