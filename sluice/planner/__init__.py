"""What an environment costs a month: list prices, and what of them each declared resource takes."""
