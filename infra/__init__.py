"""The boxes of the drawing, each a component of the Pulumi program."""
