# remove.sh FOLDER AUTH CLIENT TENANT: takes the agent out of its pool and off
# the host. The secret is the first line of standard input.
IFS= read -r secret
[ -d "$1" ] || exit 0
cd "$1" || exit 1
exec 9>.registering
! command -v flock >/dev/null || flock -w 60 9
if [ -f .service ]; then
	sudo -n ./svc.sh stop
	sudo -n ./svc.sh uninstall
fi
if [ -f .agent ]; then
	if [ "$2" = SP ]; then
		export VSTS_AGENT_INPUT_CLIENTID="$3" VSTS_AGENT_INPUT_TENANTID="$4" VSTS_AGENT_INPUT_CLIENTSECRET="$secret"
	else
		export VSTS_AGENT_INPUT_TOKEN="$secret"
	fi
	./config.sh remove --unattended --auth "$2" </dev/null 2>&1
fi
cd .. && rm -rf "$1"
