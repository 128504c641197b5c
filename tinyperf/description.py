"""Descriptions in YAML, read strictly: unknown keys and keys given twice are refused, with file, line and words."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from yaml.constructor import SafeConstructor

from tinyperf.errors import ContentError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


class Description(BaseModel):
    """Base of everything read from YAML: unknown keys refused, no silent conversions, immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


Word = Annotated[int, Field(ge=0, lt=2**32)]
Count = Annotated[int, Field(gt=0, lt=2**32)]
Positive = Annotated[float, Field(gt=0, lt=1e6)]
Plain = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9+._-]*$")]
"""A word of a compiler's command line or of a file name."""

T = TypeVar("T", bound=Description)
LONGEST = 60
"""Characters of a wrong value that are shown."""


def read(
    path: Path,
    kind: type[T],
    *,
    hint: str,
    complete: Callable[[dict[str, Any], Callable[[str], int]], None] = lambda *_: None,
    elsewhere: Mapping[str, str] | None = None,
) -> T:
    """The description in `path`.

    Args:
        hint: what to compare a faulty file with.
        complete: fills in what follows from other fields, in place; it is given the line of a top-level key.
        elsewhere: keys that belong to another file -> what is said of one that stands here.
    Raises: ContentError: not YAML, a key twice, an unknown or missing key, a value of the wrong type; all of them.
    """
    tree = None
    try:
        text = path.read_text(encoding="utf-8")
        tree = _tree(text)
        _refuse_surprises(tree, path)
        values = None if tree is None else SafeConstructor().construct_document(tree)
        if isinstance(values, dict):
            complete(values, lambda key: _line_of(tree, (key,)))
        return kind.model_validate(values)
    except ValidationError as exc:
        found = [(e, _location(tree, e["loc"])) for e in exc.errors()]
        lines = [f"{path}:{_line_of(tree, loc)}: {_words(e, loc, kind, elsewhere or {})}" for e, loc in found]
        raise ContentError("\n".join(lines), hint=hint) from exc
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise ContentError(f"{path}:{line}: {getattr(exc, 'problem', None) or 'not YAML'}", hint=hint) from exc
    # ValueError: also of PyYAML, for a date or number that is none. TypeError: a list as a key. Recursion: without end.
    except OSError as exc:
        raise ContentError(f"{path}: {exc.strerror or exc}", hint=hint) from exc
    except (ValueError, TypeError, RecursionError) as exc:
        words = "nested too deep" if isinstance(exc, RecursionError) else str(exc) or type(exc).__name__
        raise ContentError(f"{path}: {words}", hint=hint) from exc


def _tree(text: str) -> yaml.Node | None:
    """By libyaml, which the wheels of PyYAML have and which reads ten times as fast; what is wrong in words is always
    PyYAML's own.
    """
    try:
        return yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError:
        return yaml.compose(text, Loader=yaml.SafeLoader)


def _location(node: yaml.Node | None, loc: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """`loc` without the tags that pydantic puts in where the `kind` of a table says which description it is."""
    found: list[int | str] = []
    for part in loc:
        keys = {key.value: value for key, value in node.value} if isinstance(node, yaml.MappingNode) else {}
        if part not in keys and "kind" in keys and keys["kind"].value == part:
            continue
        found.append(part)
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
        else:
            node = keys.get(part)
    return tuple(found)


def _words(error: Any, loc: tuple[int | str, ...], kind: type[BaseModel], elsewhere: Mapping[str, str]) -> str:
    """One pydantic error in our words: the dotted field, what is wrong, a close match for an unknown key."""
    where = ".".join(str(part) for part in loc)
    if error["type"] == "extra_forbidden":
        if where in elsewhere:
            return f"{where}: unknown field: {elsewhere[where]}"
        near = difflib.get_close_matches(str(error["loc"][-1]), _field_names(kind), n=1)
        return f"{where}: unknown field" + (f", did you mean {near[0]}?" if near else "")
    if error["type"] == "missing":
        return f"{where}: missing"
    if error["type"] == "value_error":  # one of ours, whole
        return f"{where}: {error['ctx']['error']}".removeprefix(": ")
    got = _shown(error["input"])
    if error["type"] == "model_type":
        return f"{where}: keys are wanted, with a value each; this is {got}".removeprefix(": ")
    return f"{where}: {error['msg'][0].lower()}{error['msg'][1:]}, got {got}"


def _shown(value: object) -> str:
    """What stands in the file; the beginning of what is long."""
    text = "empty" if value is None else repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _field_names(model: type[BaseModel]) -> list[str]:
    found: list[str] = []
    for name, info in model.model_fields.items():
        found.append(info.alias or name)
        found += [name for part in _models(info.annotation) for name in _field_names(part)]
    return found


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The descriptions that stand anywhere in an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]


def _line_of(node: yaml.Node | None, loc: tuple[int | str, ...]) -> int:
    """1-based line of the key that `loc` names; of its nearest parent where the key itself is absent."""
    line = node.start_mark.line + 1 if node else 1
    for part in loc:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == str(part):
                    line, node = key.start_mark.line + 1, value
                    break
            else:
                return line
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            return line
    return line


def _refuse_surprises(node: yaml.Node | None, path: Path, above: set[int] | None = None) -> None:
    """PyYAML keeps the last of two equal keys silently; a description must not. A list or table that is repeated by an
    alias is refused too: nine lines of them can mean a thousand million values.
    """
    met = set() if above is None else above
    if not isinstance(node, yaml.CollectionNode):
        return
    line = f"{path}:{node.start_mark.line + 1}"
    if id(node) in met:
        raise ContentError(
            f"{line}: this list or table is used again by an alias (*)", hint="write it out where it is used"
        )
    met.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _refuse_surprises(value, path, met)
        return
    seen: set[str] = set()
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise ContentError(f"{path}:{key.start_mark.line + 1}: a list or table as a key", hint="use a word")
        if key.value in seen:
            raise ContentError(
                f"{path}:{key.start_mark.line + 1}: {key.value}: key given twice", hint="remove one of the two"
            )
        seen.add(key.value)
        _refuse_surprises(value, path, met)
