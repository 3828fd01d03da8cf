"""The recipe of Hark's built-in model.

A tiny model of the Qwen3-ASR architecture is trained from scratch on synthesised speech. Read in
this order: ``language`` (the sentences and the tokenizer), ``synthesis`` (who speaks them),
``utterances`` and ``corpus`` (what is stored), ``learning`` (what a step sees, the model, the
losses, the run, the aligner, the export), ``evaluation`` (every figure of the model card).
``python -m training --help`` lists the commands.
"""
