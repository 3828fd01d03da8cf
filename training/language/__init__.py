"""What is said: sentences of three languages, open text, invented names, and the tokenizer."""
