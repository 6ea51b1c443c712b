"""What is remembered: records, checkpoints, events and locks under the state home."""
