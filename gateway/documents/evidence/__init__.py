"""What each act leaves: the chained log, its bundle and report, its audit."""
