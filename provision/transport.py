"""Paramiko's transport, with nothing said on a channel once its end was said."""

from typing import Any

import paramiko
from paramiko.common import MSG_CHANNEL_CLOSE, MSG_CHANNEL_FAILURE, MSG_CHANNEL_WINDOW_ADJUST


class OrderedTransport(paramiko.Transport):
    """A transport that drops what would follow a channel's close.

    Paramiko makes a channel's messages under the channel's lock and sends them when it has let go of it, so that a key
    exchange can't block it. Meanwhile its reading thread may answer the host's close with one of its own. What the
    other thread sends then, data or the end of a stream, comes behind that close, and OpenSSH ends the whole
    connection: "packet referred to nonexistent channel" (OpenSSH's `channels.c`). It happens where a command ends, or a
    forwarded connection is closed, just as its input does.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - Paramiko's own, passed on
        super().__init__(*arguments, **options)
        self._closed: set[int] = set()

    def open_channel(self, *arguments: Any, **options: Any) -> paramiko.Channel:  # noqa: ANN401 - as above
        """See `paramiko.Transport.open_channel`."""
        channel = super().open_channel(*arguments, **options)
        # The host gives the number of a closed channel to the next.
        with self.clear_to_send_lock:
            self._closed.discard(channel.remote_chanid)
        return channel

    def _send_message(self, data: paramiko.Message) -> None:
        # Messages of channels come with clear_to_send_lock held, one at a time.
        octets = data.asbytes()
        if MSG_CHANNEL_WINDOW_ADJUST <= octets[0] <= MSG_CHANNEL_FAILURE:
            number = int.from_bytes(octets[1:5], "big")
            if number in self._closed:
                return
            if octets[0] == MSG_CHANNEL_CLOSE:
                self._closed.add(number)
        super()._send_message(data)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - not in its stubs
