"""The recipe of Hark's built-in model.

A tiny model of the Qwen3-ASR architecture is trained from scratch on synthesised speech of a
designed demo domain. Read in this order: ``text`` (the sentences), ``voices`` (who speaks them),
``corpus`` (what is stored), ``augment`` and ``batches`` (what a training step sees), ``model``,
``loss``, ``schedule``, ``train``, then ``report`` and ``export``. ``python -m training --help``
lists the commands.
"""
