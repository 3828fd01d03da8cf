"""What is learnt: rows and batches, the model, its losses, the runs, and the export."""
