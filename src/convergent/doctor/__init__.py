"""The doctor: finds what is wrong with a training, on anybody's PyTorch loop. It uses only types, config and torch."""
