"""The API of the contract in Python: Starlette, asyncpg and redis-py's asyncio client."""
