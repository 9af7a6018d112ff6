"""What the commands do, once the command line is read."""
