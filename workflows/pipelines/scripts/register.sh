# register.sh FOLDER URL AUTH POOL AGENT PROXY CLIENT TENANT
# Registers the agent. The first line of standard input is the secret, the rest
# the organization's own root certificates. Neither is ever on a command line.
set -eu
umask 077
IFS= read -r secret
cd "$1"
# A registration whose caller is gone may still be at work: two at once would
# leave the ID of one with the key of the other.
exec 9>.registering
if command -v flock >/dev/null; then
	flock -w 300 9 || { echo "Another registration of this agent does not end."; exit 93; }
fi
cat >ca.pem
url=$2 auth=$3 pool=$4 agent=$5 proxy=$6 client=$7 tenant=$8
if [ -f .agent ]; then
	# Of a former registration, which the organization does not know any more.
	rm -f .agent .credentials .credentials_rsaparams
fi
set -- --unattended --url "$url" --auth "$auth" --pool "$pool" --agent "$agent" --work _work --replace --acceptTeeEula
[ -z "$proxy" ] || set -- "$@" --proxyurl "$proxy"
[ ! -s ca.pem ] || set -- "$@" --sslcacert "$PWD/ca.pem"
if [ "$auth" = SP ]; then
	export VSTS_AGENT_INPUT_CLIENTID="$client" VSTS_AGENT_INPUT_TENANTID="$tenant" VSTS_AGENT_INPUT_CLIENTSECRET="$secret"
else
	export VSTS_AGENT_INPUT_TOKEN="$secret"
fi
exec ./config.sh "$@" </dev/null 2>&1
