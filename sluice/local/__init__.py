"""The local cloud: the deployed program and its functions, over servers on this machine."""
