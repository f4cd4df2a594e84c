"""No secret leaves: in plain, URL-encoded or base64 form, whole or in pieces, and words that are none stay."""

from __future__ import annotations

import base64
import json
from html import escape
from urllib.parse import quote

import pytest
from proctor.profiles.base.secrets import BytesStream, Sweeper, secrets_of

TOKEN = "hf_abcdefghijklmnopqrstuvwxyz012345"
ODD = 'sk/ x+y="zé12&'
SWEEPER = Sweeper({"HF_TOKEN": TOKEN, "ODD_KEY": ODD})


def forms(secret: str) -> list[str]:
    data = secret.encode()
    return [
        secret,
        quote(secret, safe=""),
        quote(quote(secret, safe=""), safe=""),
        json.dumps(secret)[1:-1],
        escape(secret),
        data.hex(),
        *(base64.b64encode(before + data + b"!").decode() for before in (b"", b"a", b"ab", b"Bearer ", b"user:")),
        base64.urlsafe_b64encode(b"ab" + data).decode(),
    ]


@pytest.mark.parametrize("secret", [TOKEN, ODD])
def test_a_secret_is_blotted_out_in_every_form(secret: str) -> None:
    for form in forms(secret):
        text = f"before {form} after"
        swept = SWEEPER.text(text)
        assert swept.startswith("before ")
        assert swept.endswith(" after")
        assert "[secret " in swept
        kept = swept.removeprefix("before ").removesuffix(" after").replace("[secret ODD_KEY]", "")
        assert len(kept.replace("[secret HF_TOKEN]", "")) < 16, "of base64 the neighbours' characters stay"
        assert "[secret " in SWEEPER.data(text.encode()).decode()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_a_secret_in_pieces_is_blotted_out_and_nothing_else_is_lost(size: int) -> None:
    text = f"which h hf_ hf_abc {TOKEN}{ODD} é {TOKEN[:-1]} end {TOKEN[:5]}"
    wanted = text.replace(TOKEN, "[secret HF_TOKEN]").replace(ODD, "[secret ODD_KEY]")
    stream = SWEEPER.stream()
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    assert "".join(stream.feed(piece) for piece in pieces) + stream.end() == wanted
    data = text.encode()
    swept = BytesStream(SWEEPER)
    parts = [swept.feed(data[start : start + size]) for start in range(0, len(data), size)]
    assert (b"".join(parts) + swept.end()).decode() == wanted


def test_texts_of_values_are_swept_wherever_they_stand() -> None:
    value = {"a": [TOKEN, 1, None], TOKEN: {"b": f"x{TOKEN}y"}}
    assert TOKEN not in json.dumps(SWEEPER.value(value))


def test_what_is_short_or_public_is_no_secret() -> None:
    sweeper = Sweeper({"FAKE_API_KEY": "x", "HF_TOKEN": "practice", "EMPTY": ""})
    assert sweeper.text("x practice") == "x practice"
    assert sweeper.stream().feed("x") == "x"


def test_the_environment_tells_which_values_are_secrets() -> None:
    found = secrets_of(
        {
            "OPENAI_API_KEY": "sk-1234567890",
            "AWS_SECRET_ACCESS_KEY": "abcdefghijklmnopqrst",
            "HTTPS_PROXY": "http://me:hunter2hunter2@proxy.test:8080",
            "SSH_KEY": "/home/me/.ssh/id_rsa_12345678",
            "SOME_TOKEN": "required",
            "PATH": "/usr/bin:12345678",
            "MONKEY": "abcdefgh12345678",
        },
        token=TOKEN,
    )
    assert found == {
        "HF_TOKEN": TOKEN,
        "OPENAI_API_KEY": "sk-1234567890",
        "AWS_SECRET_ACCESS_KEY": "abcdefghijklmnopqrst",
        "HTTPS_PROXY": "hunter2hunter2",
    }
