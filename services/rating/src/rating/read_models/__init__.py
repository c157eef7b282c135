"""What rating can be asked."""
