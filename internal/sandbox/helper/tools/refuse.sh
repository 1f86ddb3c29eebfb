#!/bin/sh
# Would act on the host.
printf '%s: not available on a sandbox VM\n' @NAME@ >&2
exit 1
