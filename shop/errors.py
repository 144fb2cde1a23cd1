"""What a buyer or a client of the API is told when something cannot be done."""


class ShopError(Exception):
    """A refusal in the caller's terms. `code` is stable and for programs, `message` is for people."""

    code = "refused"
    message = "That is not possible."

    def __init__(self, message: str | None = None, **details: object) -> None:
        self.message = message or self.message
        self.details = details
        super().__init__(self.message)


class TooOften(ShopError):
    """Whoever asks must wait a while; over HTTP a 429."""

    code = "too_often"
    message = "That was a little often. Please wait a while."
    retry_after = 60  # seconds
