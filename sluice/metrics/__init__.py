"""What a metric of `pipeline.py` is made of."""
