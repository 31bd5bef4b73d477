"""Pictures of a workflow's graph: Mermaid, DOT and SVG, with the path of a run on request."""
