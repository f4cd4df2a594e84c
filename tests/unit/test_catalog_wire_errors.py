"""The router's own words come through, in whatever shape it says them."""

from __future__ import annotations

import json

import pytest
from proctor.evals.catalog.http_errors import RouterError, error_text, remedy_for, router_error

CREDIT = (
    "You have depleted your monthly included credits. Purchase pre-paid credits to continue using Inference Providers. "
    "Alternatively, subscribe to PRO to get 20x more included credits."
)


@pytest.mark.parametrize(
    ("status", "body", "message", "code"),
    [
        (402, {"error": CREDIT}, CREDIT, None),
        (
            400,
            {"error": {"message": "The requested model 'X' is not supported", "code": "model_not_supported"}},
            "The requested model 'X' is not supported",
            "model_not_supported",
        ),
        (500, {"id": "1", "error": {"message": "Internal server error", "code": None}}, "Internal server error", None),
        (422, {"detail": [{"msg": "field required", "loc": ["body"]}]}, "field required", None),
        (429, "slow   down\n", "slow down", None),
        (502, "<html><head><title>502 Bad Gateway</title></head></html>", "502 Bad Gateway", None),
        (503, "<!doctype html><p>x", "a web page instead of an answer", None),
        (429, "", "too many requests", None),
        (599, "", "status 599", None),
        (400, '{"error": "cut', '{"error": "cut', None),
        (400, {"error": {"message": "", "error": {"message": "inner"}}}, "inner", None),
        (400, {"error": None, "message": "outer"}, "outer", None),
        (500, [], "internal server error", None),
        (500, {"error": 7}, "internal server error", None),
    ],
)
@pytest.mark.parametrize("form", ["parsed", "text", "bytes"])
def test_words_and_code(status: int, body: object, message: str, code: str | None, form: str) -> None:
    sent = body
    if form != "parsed" and not isinstance(body, str):
        sent = json.dumps(body)
    if form == "bytes":
        sent = sent.encode() if isinstance(sent, str) else sent
    assert router_error(status, sent) == RouterError(status, message, code)  # type: ignore[arg-type]


def test_endless_words_are_cut() -> None:
    assert len(error_text({"error": "x" * 5000})) == 400


def test_deep_nesting_is_survived() -> None:
    assert router_error(500, b'{"error":' * 50_000).status == 500


def test_bytes_that_are_no_text_are_survived() -> None:
    assert "\ufffd" in router_error(500, b"\xff\xfe oops").message


@pytest.mark.parametrize(
    ("status", "message", "code", "part"),
    [
        (401, "", None, "hf auth login"),
        (402, CREDIT, None, "https://huggingface.co/settings/billing"),
        (403, "", None, "inference.serverless.write at https://huggingface.co/settings/tokens"),
        (410, "The requested model is deprecated", None, "`proctor models` lists what is live"),
        (400, "Model not supported by provider together", None, "`proctor models` lists what is live"),
        (400, "anything", "model_not_found", "`proctor models` lists what is live"),
        (400, "temperature must be positive", None, "generation settings"),
        (404, "Not Found", None, "check the address"),
        (429, "", None, "lower max_connections"),
        (500, "", None, "server's side"),
        (504, "", None, "pick another provider"),
    ],
)
def test_every_refusal_has_its_remedy(status: int, message: str, code: str | None, part: str) -> None:
    assert part in remedy_for(status, message, code)
