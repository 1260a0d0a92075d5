"""Logs as they are found: any file that people keep of what came in, read as text, with its times made sense of."""
