#!/bin/bash
# Registers this container as an agent of Azure Pipelines, runs it, and takes it
# out of its pool when the container has to end.
#
#   AZP_URL          organization, or collection of a server
#   AZP_POOL         agent pool
#   AZP_AGENT_NAME   name of the agent
#   AZP_WORK         folder of its jobs
#   AZP_TOKEN_FILE   file with a personal access token; or AZP_TOKEN has the token
#   AZP_AUTH=SP      the file has the secret of the service principal AZP_CLIENTID
#                    of the tenant AZP_TENANTID
#   AZP_CA_FILE      roots of the organization's own certificate authority
#   VSTS_HTTP_PROXY  proxy of the agent
#   AZP_PATIENCE     seconds between two tries to leave the pool; 15 when it is not said
set -eu
cd "$(dirname "$0")"

if [ -z "${AZP_TOKEN_FILE:-}" ]; then
	AZP_TOKEN_FILE=$(mktemp)
	printf '%s' "${AZP_TOKEN:?}" >"$AZP_TOKEN_FILE"
fi
file=$AZP_TOKEN_FILE
# Jobs inherit what is exported from here on.
unset AZP_TOKEN AZP_TOKEN_FILE

# config asks config.sh; the secret is in the environment of this call alone.
config() {
	local secret
	secret=$(cat "$file")
	if [ "${AZP_AUTH:-PAT}" = SP ]; then
		VSTS_AGENT_INPUT_CLIENTID=$AZP_CLIENTID VSTS_AGENT_INPUT_TENANTID=$AZP_TENANTID VSTS_AGENT_INPUT_CLIENTSECRET=$secret \
			./config.sh "$@" --unattended --auth SP
	else
		VSTS_AGENT_INPUT_TOKEN=$secret ./config.sh "$@" --unattended --auth PAT
	fi
}

# busy says whether a job runs.
busy() { cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\000' ' ' | grep -q 'Agent.Worke[r]'; }

# leave takes the agent out of its pool. Azure DevOps refuses that while a job
# runs, so a job comes to its end first.
leave() {
	trap '' TERM INT
	while [ -f .agent ] && ! config remove && busy; do
		echo "The agent stays until its job has ended."
		sleep "${AZP_PATIENCE:-15}"
	done
	[ -z "$agent" ] || kill "$agent" 2>/dev/null || true
	exit 0
}

agent=
trap leave TERM INT
# What a container that was started again finds of its former life.
rm -f .agent .credentials .credentials_rsaparams
config --agent "${AZP_AGENT_NAME:-$(hostname)}" --url "$AZP_URL" --pool "${AZP_POOL:-Default}" --work "${AZP_WORK:-_work}" \
	${AZP_CA_FILE:+--sslcacert "$AZP_CA_FILE"} ${VSTS_HTTP_PROXY:+--proxyurl "$VSTS_HTTP_PROXY"} --replace --acceptTeeEula

./run.sh &
agent=$!
wait "$agent"
