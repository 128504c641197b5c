"""`NAME[:OPTION=VALUE,...]` as the command line takes it for engines and for energy monitors."""

from __future__ import annotations

from tinyperf.errors import UsageError


def split(text: str, *, what: str, example: str) -> tuple[str, dict[str, str]]:
    """`lpm01a:port=/dev/ttyACM1,freq=5k` -> ("lpm01a", {"port": "/dev/ttyACM1", "freq": "5k"}).

    Args: what: "engine" or "monitor", for the message; example: one that is right.
    Raises: UsageError: an option without `=`, or one that stands twice.
    """
    name, _, rest = text.partition(":")
    options: dict[str, str] = {}
    for part in filter(None, rest.split(",")):
        key, equals, value = part.partition("=")
        if not equals or not key:
            raise UsageError(f"{what} option '{part}' in '{text}' is not OPTION=VALUE", hint=f"for example {example}")
        if key in options:
            raise UsageError(f"{what} option '{key}' stands twice in '{text}'", hint=f"for example {example}")
        options[key] = value
    return name, options
