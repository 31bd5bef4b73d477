"""The structural type language for JSON values."""
