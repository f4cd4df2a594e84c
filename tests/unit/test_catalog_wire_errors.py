"""The router's own words come through, in whatever shape it says them."""

from __future__ import annotations

import json

import pytest
from proctor.evals.catalog.http_errors import Account, RouterError, error_text, remedy_for, router_error

FORBIDDEN = (
    "This authentication method does not have sufficient permissions to call Inference Providers on behalf of user NAME"
)
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
        (400, '{"error": "cut', "cut", None),
        (400, '{"error": [', '{"error": [', None),
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
        (403, FORBIDDEN, None, "inference.serverless.write at https://huggingface.co/settings/tokens"),
        (403, "Just a moment...", None, "a gateway before it refuses this"),
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


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 408, 410, 413, 422, 429, 500, 504])
@pytest.mark.parametrize("message", ["", "model x not found", "your api key has no permission"])
def test_no_other_service_is_told_of_the_hubs_settings(status: int, message: str) -> None:
    remedy = remedy_for(status, message, "model_not_supported", Account("api.example.com", ("EXAMPLE_API_KEY",)))
    assert not any(word in remedy.lower() for word in ("hugging", "hf_", "hf auth", "inference.serverless", "proctor"))


@pytest.mark.parametrize(
    ("status", "error", "is_out"),
    [
        (402, {"error": CREDIT}, True),
        (429, {"error": {"message": "You exceeded your current quota", "type": "insufficient_quota"}}, True),
        (429, {"error": {"message": "Insufficient balance"}}, True),
        (429, {"error": {"message": "You exceeded your current quota", "code": "RESOURCE_EXHAUSTED"}}, False),
        (500, {"error": {"message": "Insufficient balance"}}, False),
    ],
)
def test_an_account_without_credit_is_told_from_a_rate_limit(status: int, error: object, is_out: bool) -> None:
    assert router_error(status, json.dumps(error)).is_out_of_credit is is_out


def test_the_field_that_a_request_is_refused_for_is_named() -> None:
    body = {"detail": [{"loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"}]}
    assert error_text(body) == "stream_options: Extra inputs are not permitted"
