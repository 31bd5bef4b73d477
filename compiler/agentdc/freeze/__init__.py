"""An app tree to one executable."""
