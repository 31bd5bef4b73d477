"""Arguments to driver calls, results to text and exit statuses; no logic of its own."""
