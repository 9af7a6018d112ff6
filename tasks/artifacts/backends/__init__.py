"""Where artifacts lie: a folder of this machine, a folder that several share, or an object store."""
