"""Paramiko's transport, with two faults of its channels' ends mended."""

import threading
from typing import Any

import paramiko
from paramiko.common import MSG_CHANNEL_CLOSE


class OrderedTransport(paramiko.Transport):
    """A transport that drops what would follow a channel's close, and can close a channel during a key exchange.

    Paramiko makes a channel's messages under the channel's lock and sends them when it has let go of it, so that a key
    exchange can't block it. Meanwhile its reading thread may answer the host's close with one of its own. What the
    other thread sends then, data or the end of a stream, comes behind that close, and OpenSSH ends the whole
    connection: "packet referred to nonexistent channel" (OpenSSH's `channels.c`). Or it gives the number to the next
    channel, whose stream then ends. It happens where a command ends, or a forwarded connection is closed, just as its
    input does.

    Paramiko's reading thread also waits for the end of a key exchange before it answers a close. As it alone can bring
    about that end, it waits in vain, and the connection breaks off. A new exchange comes with each 512 MiB. Here the
    answer is postponed.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - Paramiko's own, passed on
        super().__init__(*arguments, **options)
        self._postponed: list[paramiko.Message] = []

    def _send_user_message(self, data: paramiko.Message) -> None:
        if threading.current_thread() is self and not self.clear_to_send.is_set():
            self._postponed.append(data)
        else:
            super()._send_user_message(data)  # pyright: ignore # not in its stubs

    def _parse_newkeys(self, m: paramiko.Message) -> None:
        super()._parse_newkeys(m)  # pyright: ignore # not in its stubs
        postponed, self._postponed = self._postponed, []
        for message in postponed:
            self._send_user_message(message)

    def _parse_channel_open_success(self, m: paramiko.Message) -> None:
        # Nothing was sent on the channel yet: its opener still waits for this message.
        channel: paramiko.Channel | None = self._channels.get(m.get_int())  # pyright: ignore # not in its stubs
        if channel is not None:
            channel.transport = _ChannelSender(self)  # pyright: ignore[reportAttributeAccessIssue]
        m.rewind()
        super()._parse_channel_open_success(m)  # pyright: ignore # not in its stubs

    def _send_message(self, data: paramiko.Message) -> None:
        # Messages of channels come with clear_to_send_lock held, one at a time.
        if isinstance(data, _ChannelMessage):
            if data.sender.has_closed:
                return
            data.sender.has_closed = data.asbytes()[0] == MSG_CHANNEL_CLOSE
        super()._send_message(data)  # pyright: ignore # not in its stubs


class _ChannelSender:
    """The transport as one channel has it: what the channel sends bears the channel's name."""

    def __init__(self, transport: OrderedTransport) -> None:
        self._transport = transport
        self.has_closed = False

    def _send_user_message(self, data: paramiko.Message) -> None:
        self._transport._send_user_message(_ChannelMessage(data.asbytes(), self))  # pyright: ignore # not in its stubs

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the transport has
        return getattr(self._transport, name)


class _ChannelMessage(paramiko.Message):
    def __init__(self, octets: bytes, sender: _ChannelSender) -> None:
        super().__init__(octets)
        self.sender = sender
