from __future__ import annotations

import json

import pytest

from tinyperf import cli


def test_boards_as_json_has_name_and_verified(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.invoke(["boards", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert {"name", "verified"} <= set(listed[0])


def test_an_unknown_verb_exits_2_and_is_told_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.invoke(["rum", "--json"]) == 2
    shown = capsys.readouterr()
    assert json.loads(shown.out)["error"]["exit_code"] == 2
    assert "No such command 'rum'" in shown.err


def test_every_verb_is_a_function_of_the_package() -> None:
    import tinyperf

    assert tinyperf.run.__module__ == "tinyperf.api"
    assert tinyperf.build.__module__ == "tinyperf.api"
    with pytest.raises(AttributeError, match="no attribute 'nosuch'"):
        _ = tinyperf.nosuch
