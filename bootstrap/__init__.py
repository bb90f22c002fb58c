"""What a team needs once per account, before anything is deployed: a Pulumi program of its own."""
