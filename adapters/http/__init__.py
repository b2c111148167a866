"""A small HTTP/1.1 client on asyncio and httptools: the measured cheapest way to call a model server."""
