"""Listening in on what a connector hears, byte for byte."""

from __future__ import annotations


def overheard(connector) -> list[bytes]:
    """Every answer on the wire from now on, as it came."""
    transport, heard = connector._transport, []
    send = transport.send

    async def listen(request):
        reply = await send(request)
        heard.append(reply.body)
        return reply

    transport.send = listen
    return heard
