"""Phantom bags: small slides whose label follows a rule about the kinds of tiles on them."""
