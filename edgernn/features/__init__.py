"""What turns recordings into the frames that a network reads."""
