"""What a function says while it works: lines of its log, signals, subsegments of its trace; never a value."""
