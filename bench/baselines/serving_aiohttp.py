"""The same work as an aiohttp server on uvloop: `python -m bench.baselines.serving_aiohttp PORT`."""

from __future__ import annotations

import sys

import uvloop
from aiohttp import web


async def order(request: web.Request) -> web.Response:
    """Greet the customer."""
    given = await request.json()
    return web.json_response({"greeting": f"Hello, {given['customer']['name']}!"})


if __name__ == "__main__":
    served = web.Application()
    served.router.add_post("/orders", order)
    loop = uvloop.new_event_loop()
    web.run_app(served, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None, loop=loop)
