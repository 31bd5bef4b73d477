#!/bin/sh
# Runs the workflow on input.json and compares the outcome and the file with what is expected.
set -eu
cd "$(dirname "$0")"
agentdc check workflow.toml
agentdc run workflow.toml --input input.json | diff - expected.json
printf 'Hello, Ada!\n' | diff - out/greeting.txt
echo ok
