"""Signatures over workflow bytes: keys, signing, verification. Runs before parsing is believed."""
