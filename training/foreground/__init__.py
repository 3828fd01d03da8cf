"""The network that hears a voice in noise (`engine/audio/foreground.py`): how it is trained."""
