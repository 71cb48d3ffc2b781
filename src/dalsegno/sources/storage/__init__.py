"""Where bytes are: disks and servers."""
