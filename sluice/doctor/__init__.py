"""What is in the way of `pulumi up`, and what has drifted since: this machine and both clouds."""
