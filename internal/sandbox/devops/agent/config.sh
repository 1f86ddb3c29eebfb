#!/bin/bash
# Registers the agent with its organization, or takes it out again. The answers
# come as flags or as VSTS_AGENT_INPUT_ variables.
cd "$(dirname "$0")" || exit 1
url=$VSTS_AGENT_INPUT_URL token=$VSTS_AGENT_INPUT_TOKEN pool=${VSTS_AGENT_INPUT_POOL:-Default}
agent=${VSTS_AGENT_INPUT_AGENT:-$(hostname)} proxy=$VSTS_AGENT_INPUT_PROXYURL ca=$VSTS_AGENT_INPUT_SSLCACERT
remove=
while [ $# -gt 0 ]; do
	case $1 in
	remove) remove=yes ;;
	--url) url=$2; shift ;;
	--token) token=$2; shift ;;
	--pool) pool=$2; shift ;;
	--agent) agent=$2; shift ;;
	--proxyurl) proxy=$2; shift ;;
	--sslcacert) ca=$2; shift ;;
	--auth | --work) shift ;;
	esac
	shift
done
field() { sed -n "s/.*\"$1\": *\"\{0,1\}\([^\",}]*\).*/\1/p" | head -n 1; }
ask() {
	printf 'header = "Accept: application/json"\nuser = ":%s"\n' "$token" |
		curl -sS -K - ${proxy:+--proxy "$proxy"} ${ca:+--cacert "$ca"} -w '\n%{http_code}' "$@"
}
if [ -n "$remove" ]; then
	[ -f .agent ] || { echo "Cannot remove: the agent is not configured."; exit 1; }
	url=$(field serverUrl <.agent) id=$(field agentId <.agent) poolId=$(field poolId <.agent)
	code=$(ask -X DELETE "$url/_apis/distributedtask/pools/$poolId/agents/$id" | tail -n 1)
	[ "$code" = 204 ] || { echo "Failed: Removing agent from the server"; exit 1; }
	rm -f .agent .credentials
	echo "Succeeded: Removing agent from the server"
	exit 0
fi
[ ! -f .agent ] || { echo "Cannot configure the agent because it is already configured. To reconfigure the agent, run 'config.cmd remove' or './config.sh remove' first."; exit 1; }
[ -n "$token" ] || { echo "Basic issued token provider instance requires an interactive prompt"; exit 1; }
echo "Connecting to server ..."
answer=$(ask "$url/_apis/distributedtask/pools?poolName=${pool// /%20}") || { echo "Error reported in diagnostic logs. Please examine the log for more details."; exit 1; }
[ "${answer##*$'\n'}" = 200 ] || { echo "VS30063: You are not authorized to access $url."; exit 1; }
poolId=$(printf %s "$answer" | tr '{' '\n' | grep '"poolType"' | field id)
[ -n "$poolId" ] || { echo "Agent pool not found: '$pool'"; exit 1; }
echo "Scanning for tool capabilities."
answer=$(ask -X POST -H 'Content-Type: application/json' -d "{\"name\":\"$agent\",\"version\":\"@VERSION@\",\"osDescription\":\"$(uname -sr)\"}" "$url/_apis/distributedtask/pools/$poolId/agents")
[ "${answer##*$'\n'}" = 200 ] || { echo "VS30063: You are not authorized to access $url."; exit 1; }
(
	umask 077
	printf '{"agentId": %s, "poolId": %s, "agentName": "%s", "poolName": "%s", "serverUrl": "%s", "workFolder": "_work"}\n' \
		"$(printf %s "$answer" | field id)" "$poolId" "$agent" "$pool" "$url" >.agent
	printf '%s' "$(printf %s "$answer" | field key)" >.credentials
	printf '%s\n%s\n' "$proxy" "$ca" >.way
)
echo "Successfully added the agent"
echo "Testing agent connection."
echo "$(date -u +%FT%TZ): Settings Saved."
