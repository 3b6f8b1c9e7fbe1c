"""edgelab: what a broker at the edge loses when its backhaul goes, and how long recovery takes."""

from importlib.metadata import version as _version

__version__ = _version("edgelab")
