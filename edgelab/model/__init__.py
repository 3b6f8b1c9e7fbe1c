"""Values only: what a scenario is made of. Nothing here does I/O or reads a clock."""
