"""Who a caller is: one module per kind of binding, and nothing shared but the words of a denial."""
