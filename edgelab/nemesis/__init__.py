"""Faults made to happen: an injector, and one module per plane."""
