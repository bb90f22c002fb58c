"""The books: where every record that the stream accepted is, sink by sink, and whether the sums agree."""
