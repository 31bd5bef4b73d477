"""What the compiled walk is compared with: the same graphs by hand, interpreted, and in two graph libraries."""
