"""The local CloudWatch: metrics as services and functions emit them, and the alarms on them at work."""
