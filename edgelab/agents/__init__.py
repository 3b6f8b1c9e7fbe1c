"""Publisher and observer processes: ``python -m edgelab.agents.NAME SPEC.json``, each with its own segment."""
