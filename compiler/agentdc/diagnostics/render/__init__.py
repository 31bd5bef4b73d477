"""Renderers: a diagnostic record becomes text for people or JSON for machines."""
