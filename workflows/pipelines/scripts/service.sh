# service.sh FOLDER: makes the agent a service of the host's service manager.
# 91: there is none; 92: it may not be changed.
cd "$1" || exit 1
systemctl list-units >/dev/null 2>&1 || exit 91
sudo -n true 2>/dev/null || exit 92
{ [ -f .service ] || sudo -n ./svc.sh install "$(id -un)"; } && sudo -n ./svc.sh start
