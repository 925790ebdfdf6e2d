#!/bin/sh
# Writes agents.yaml for load tests: agents.sh [how many] [host:port] > agents.yaml
n=${1:-100}
at=${2:-127.0.0.1:5090}
echo "# Made by agents.sh $n $at: all on one load generator, ready from the start."
echo "agents:"
i=1
while [ "$i" -le "$n" ]; do
	id=$(printf 'agent%04d' "$i")
	printf '  "%s": {name: Agent %d, skills: {bench: 5}, contact: "sip:%s@%s", signed_in: true, back_off: 1s, max_misses: 100}\n' \
		"$id" "$i" "$id" "$at"
	i=$((i + 1))
done
