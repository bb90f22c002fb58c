"""The running part of routes: handlers that decide by SQL and hand over to targets."""
