#!/bin/sh
# Builds the binary and runs it on the two configuration files here. $1: the agentdc command.
set -eu
cd "$(dirname "$0")"
agentdc=$1
case $agentdc in */*) [ -x "$agentdc" ] || agentdc="../../$agentdc" ;; esac
out=../../build/examples
mkdir -p "$out"
"$agentdc" build workflow.toml -o "$out/config-drift"
rm -rf reports
echo
echo "\$ config-drift --input input.json"
status=0
"$out/config-drift" --input input.json || status=$?
echo
echo "exit status $status: the files differ, so the run failed on purpose. The report it wrote:"
echo
cat reports/drift.txt
size=$(wc -c < "$out/config-drift")
echo "The binary is build/examples/config-drift and weighs $((size / 1000)) kB."
[ "$status" = 5 ]
