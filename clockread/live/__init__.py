"""Cameras, streams and folders that are watched for days."""
