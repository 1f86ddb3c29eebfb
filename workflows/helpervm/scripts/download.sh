# $1: URL, $2: where the archive goes. Goes on where an earlier try stopped.
set -u
part=$2.part
mkdir -p "$(dirname "$2")"

size() {
  if [ -f "$part" ]; then wc -c <"$part" | tr -d ' '; else echo 0; fi
}

total=$(curl -fsSIL --max-time 60 "$1" 2>/dev/null | tr -d '\r' | awk 'tolower($1) == "content-length:" { n = $2 } END { print n + 0 }')
echo "getting $1"
try=1
told=0
while :; do
  if [ "$total" -gt 0 ] && [ "$(size)" -eq "$total" ]; then break; fi
  curl -fsSL -C - --connect-timeout 20 --speed-limit 1 --speed-time 60 -w '%{http_code}' -o "$part" "$1" >"$part.code" &
  curl=$!
  trap 'kill $curl 2>/dev/null; exit 143' TERM INT
  while kill -0 "$curl" 2>/dev/null; do
    sleep 1
    if [ "$total" -gt 0 ]; then
      percent=$(($(size) * 100 / total))
      if [ "$percent" -ge $((told + 10)) ]; then
        told=$percent
        echo "downloaded $percent % of $((total / 1048576)) MiB"
      fi
    fi
  done
  wait "$curl"
  rc=$?
  trap - TERM INT
  code=$(cat "$part.code" 2>/dev/null)
  if [ "$rc" -eq 0 ]; then break; fi
  case $code in
  401 | 403 | 404 | 410)
    echo "the server answered $code" >&2
    exit 22
    ;;
  esac
  case $rc in
  33 | 36) rm -f "$part" ;;
  60 | 77) exit "$rc" ;;
  esac
  if [ "$try" -ge 6 ]; then exit "$rc"; fi
  echo "the download broke off (curl ended with $rc); trying again from byte $(size)" >&2
  sleep $((try * 2))
  try=$((try + 1))
done
rm -f "$part.code"
mv -f "$part" "$2"
echo "downloaded $(wc -c <"$2" | tr -d ' ') bytes"
