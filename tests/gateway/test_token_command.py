"""`stream-cw token`: what it prints is taken, and the secret is nowhere but in the environment."""

from collections.abc import Callable

import pytest
import typer
from typer.testing import CliRunner, Result

from stream_cw.cli import build_app
from stream_cw.cli.token import parse_duration
from stream_cw.errors import TokenRefusedError
from stream_cw.gateway.tokens import LEEWAY_S, tokens_of
from tests.gateway.forge import AUDIENCE, ISSUER, SECRET, Asked

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    for name, value in (("SECRET", SECRET), ("ISSUER", ISSUER), ("AUDIENCE", AUDIENCE)):
        monkeypatch.setenv(f"STREAM_CW_GATEWAY_{name}", value)
    runner = CliRunner()
    return lambda *arguments: runner.invoke(build_app(), ["token", *arguments])


def test_a_printed_token_is_taken(run: Run) -> None:
    result = run("--profile", "p1", "--profile", "p2", "--expires", "90s", "--subject", "me")
    assert result.exit_code == 0, result.output
    made = result.output.removesuffix("\n")
    grant = tokens_of(Asked()).verify(made)
    assert grant.profiles == {"p1", "p2"}
    assert grant.subject == "me"
    issued_at = grant.expires_at - 90
    assert tokens_of(Asked(), lambda: issued_at - LEEWAY_S).verify(made) == grant
    with pytest.raises(TokenRefusedError, match="not valid yet"):
        tokens_of(Asked(), lambda: issued_at - LEEWAY_S - 1).verify(made)


def test_a_token_is_for_the_issuer_and_audience_that_are_asked_for(run: Run) -> None:
    result = run("--profile", "p1", "--issuer", "i", "--audience", "a")
    assert tokens_of(Asked(issuer="i", audience="a")).verify(result.output.strip())


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--profile", "p1", "--secret", SECRET],
        ["--profile", "p1", "--expires", "0s"],
        ["--profile", "p1", "--expires", "31d"],
        ["--profile", "p1", "--expires", "-1h"],
        ["--profile", "p1", "--expires", "soon"],
        ["p1"],
    ],
    ids=" ".join,
)
def test_a_wrong_usage_is_2(run: Run, arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


@pytest.mark.parametrize("name", ["ISSUER", "AUDIENCE"])
def test_issuer_and_audience_have_no_default(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv(f"STREAM_CW_GATEWAY_{name}")
    result = run("--profile", "p1")
    assert result.exit_code == 2
    assert f"STREAM_CW_GATEWAY_{name}" in result.output


@pytest.mark.parametrize("secret", [None, "", "a short one"])
def test_without_a_good_secret_there_is_no_token(
    run: Run, monkeypatch: pytest.MonkeyPatch, secret: str | None
) -> None:
    monkeypatch.delenv("STREAM_CW_GATEWAY_SECRET")
    if secret is not None:
        monkeypatch.setenv("STREAM_CW_GATEWAY_SECRET", secret)
    result = run("--profile", "p1")
    assert result.exit_code == 1
    assert result.output.startswith("stream-cw: STREAM_CW_GATEWAY_SECRET: wanted")
    assert not secret or secret not in result.output


@pytest.mark.parametrize("profiles", [["p/1"], [""], ["p1", "p" * 129]])
def test_what_no_gateway_would_take_is_not_printed(run: Run, profiles: list[str]) -> None:
    result = run(*(word for profile in profiles for word in ("--profile", profile)))
    assert result.exit_code == 1
    assert "$.profiles" in result.output
    assert "eyJ" not in result.output


def test_durations() -> None:
    found = {text: parse_duration(text) for text in ("1s", "90s", "15m", "1h", "30d")}
    assert found == {"1s": 1, "90s": 90, "15m": 900, "1h": 3_600, "30d": 2_592_000}
    for wrong in ("", "1", "h", "1.5h", "+1h", "1h ", "1w", "٣s", "9999999s", "1h30m", "31d"):
        with pytest.raises(typer.BadParameter):
            parse_duration(wrong)
