"""Pages of HTML from the package's templates: each is one file that needs nothing else."""

from __future__ import annotations

import base64
from typing import Any


def fill(template: str, **values: Any) -> str:
    """The template of that name, filled in; texts cannot become markup."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - only reports need it

    environment = Environment(
        loader=PackageLoader("edgelab.analysis", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**values)


def data_uri(png: bytes) -> str:
    """A picture as an address that holds it."""
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
