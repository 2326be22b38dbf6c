"""The API over HTTP, in process, on real PostgreSQL."""
