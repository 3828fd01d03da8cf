"""Captions of conversations: plug-ins for voice-bot frameworks, and `hark conference`.

The plug-ins import their framework, which the user has; Hark does not depend on it.
"""
