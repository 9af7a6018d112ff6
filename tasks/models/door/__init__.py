"""The door for networks: what any network is asked before it is predicted with, explained or evaluated."""
