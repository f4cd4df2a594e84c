"""A chat request as it comes over the wire, read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class _Part(BaseModel):
    model_config = ConfigDict(extra="allow")


class ImageUrl(_Part):
    """The address of a picture, here always a `data:` URL."""

    url: str


class ContentPart(_Part):
    """One piece of a message: text, or a picture."""

    type: str
    text: str | None = None
    image_url: ImageUrl | str | None = None


class Message(_Part):
    """One message of the conversation."""

    role: str
    content: str | list[ContentPart] | None = None

    @property
    def text(self) -> str:
        """All text of it."""
        if isinstance(self.content, str):
            return self.content
        return "\n".join(part.text for part in self.content or () if part.text)

    @property
    def image_urls(self) -> tuple[str, ...]:
        """The addresses of its pictures."""
        if self.content is None or isinstance(self.content, str):
            return ()
        urls = (part.image_url for part in self.content if part.type == "image_url" and part.image_url is not None)
        return tuple(url if isinstance(url, str) else url.url for url in urls)


class Function(_Part):
    """A function that may be called."""

    name: str
    description: str | None = None
    parameters: Mapping[str, Any] | None = None


class Tool(_Part):
    """A tool on offer."""

    type: str = "function"
    function: Function


class StreamOptions(_Part):
    """What a stream should carry besides the answer."""

    include_usage: bool = False


class ChatRequest(_Part):
    """The body of `POST /v1/chat/completions`; fields of no consequence here are let through."""

    model: str = Field(min_length=1)
    messages: list[Message] = Field(min_length=1)
    stream: bool = False
    stream_options: StreamOptions | None = None
    max_tokens: Annotated[int, Field(gt=0)] | None = None
    max_completion_tokens: Annotated[int, Field(gt=0)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    n: Annotated[int, Field(ge=1, le=1)] | None = None
    tools: list[Tool] | None = None
    tool_choice: str | Mapping[str, Any] | None = None
    response_format: Mapping[str, Any] | None = None
    reasoning_effort: str | None = None

    @property
    def token_limit(self) -> int | None:
        """The most tokens that may be generated, reasoning included."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def stops(self) -> list[str]:
        """The sequences that end the answer."""
        if self.stop is None:
            return []
        return [self.stop] if isinstance(self.stop, str) else self.stop

    @property
    def image_urls(self) -> tuple[str, ...]:
        """The pictures of the whole conversation."""
        return tuple(url for message in self.messages for url in message.image_urls)


class BadRequest(Exception):
    """A request that cannot be understood: status 400, with OpenAI's kind of body."""

    def __init__(self, message: str, param: str | None = None, code: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.status = status
        self.body = {
            "error": {"message": message, "type": "invalid_request_error", "param": param, "code": code},
        }


def read_chat_request(body: bytes) -> ChatRequest:
    """Read the body of a chat request.

    Raises:
        BadRequest: It is no JSON, or a field is missing or wrong.
    """
    try:
        return ChatRequest.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        if first["type"] == "json_invalid":
            raise BadRequest(
                "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your "
                "HTTP library correctly. The API expects a JSON payload, but what was sent was not valid JSON.)"
            ) from None
        where = ".".join(str(part) for part in first["loc"]) or None
        if first["type"] == "missing":
            raise BadRequest(f"Missing required parameter: '{where}'.", where, "missing_required_parameter") from None
        raise BadRequest(f"Invalid value for '{where}': {first['msg']}.", where, "invalid_value") from None
