"""The one way from a template of firmware_templates/ and its values to text."""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING

from tinyperf import content

if TYPE_CHECKING:
    import jinja2
    from _typeshed import DataclassInstance


def render(name: str, context: DataclassInstance) -> str:
    """Template `name` (path below firmware_templates/) with the fields of `context`, finished text each."""
    values = {f.name: getattr(context, f.name) for f in fields(context)}
    return _environment().get_template(name).render(values)


@cache
def _environment() -> jinja2.Environment:
    import jinja2  # a tenth of a second that 'inspect' does not have

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(content.shipped("firmware_templates")),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  (C and .ini text, not HTML; ctext.py has finished every value)
    )
