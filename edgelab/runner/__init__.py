"""Plays a scenario: up, publish, faults, drain, down, and only then the analysis of what was recorded."""

from .play import play

__all__ = ["play"]
