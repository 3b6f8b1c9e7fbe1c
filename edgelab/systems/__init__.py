"""Systems under test: one module each, behind :class:`edgelab.systems.base.System`."""
