"""The same work as a FastAPI app, as its documentation writes one, without a model of the order. For uvicorn."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, FastAPI

app = FastAPI(openapi_url=None)


@app.post("/orders")
async def order(given: Annotated[dict[str, Any], Body()]) -> dict[str, str]:
    """Greet the customer."""
    return {"greeting": f"Hello, {given['customer']['name']}!"}
