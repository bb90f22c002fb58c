"""What data would go with `pulumi destroy`: how much, how old, what guards it, and what never comes back."""
