"""The only package that touches the user's files: runs the stages in order and collects what they find."""
