"""Who calls the local AWS, what that takes of IAM, and whether the caller's role allows it."""
