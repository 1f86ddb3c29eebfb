#!/bin/bash
# Asks for work until it is stopped. There never is any.
cd "$(dirname "$0")" || exit 1
[ -f .agent ] || { echo "Must configure before running. Use ./config.sh"; exit 1; }
field() { sed -n "s/.*\"$1\": *\"\{0,1\}\([^\",}]*\).*/\1/p" <.agent; }
{ read -r proxy; read -r ca; } <.way
echo "Scanning for tool capabilities."
echo "Connecting to the server."
echo "$(date -u +%FT%TZ): Listening for Jobs"
while [ -f .agent ]; do
	code=$(printf 'header = "Authorization: Bearer %s"\n' "$(cat .credentials)" |
		curl -sS -K - ${proxy:+--proxy "$proxy"} ${ca:+--cacert "$ca"} -o /dev/null -w '%{http_code}' "$(field serverUrl)/_apis/distributedtask/pools/$(field poolId)/messages" 2>/dev/null)
	case $code in
	204) ;;
	403) echo "The agent was removed from the server."; exit 1 ;;
	*) sleep 2 ;;
	esac
done
