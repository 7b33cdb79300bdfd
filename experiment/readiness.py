"""Waiting until an API says that it is ready."""

import httpx
from tenacity import RetryError, Retrying, retry_if_result, stop_before_delay, wait_fixed

from provision.cancelling import checkpoint

_PERIOD_SECONDS = 0.02
_ANSWER_SECONDS = 2


def wait_until_ready(base_url: str, *, deadline_seconds: float) -> str | None:
    """Ask `/readyz` until it is answered with 200.

    Args:
        base_url: the API's.
        deadline_seconds: how long to ask.

    Returns:
        None when it is ready, else what was seen last.
    """
    seen = ""

    def look(client: httpx.Client) -> bool:
        nonlocal seen
        try:
            with checkpoint():
                answer = client.get("/readyz")
        except httpx.TransportError as error:
            seen = f"GET /readyz wasn't answered ({type(error).__name__}: {error})."
            return False
        seen = f"GET /readyz was answered with {answer.status_code}: {answer.text[:200]}"
        return answer.is_success

    retrying = Retrying(
        retry=retry_if_result(lambda ready: not ready),
        stop=stop_before_delay(deadline_seconds),
        wait=wait_fixed(_PERIOD_SECONDS),
    )
    with httpx.Client(base_url=base_url, timeout=_ANSWER_SECONDS, trust_env=False) as client:
        try:
            retrying(look, client)
        except RetryError:
            return seen
    return None
