"""Talking to servers and to the libraries that do."""
