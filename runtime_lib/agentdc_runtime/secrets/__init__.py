"""Named values that stand in no file of the workflow (spec 02 §6): where they come from, and hiding them."""
