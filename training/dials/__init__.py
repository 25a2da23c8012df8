"""Rendered dials of endless variety with exact labels."""
