#!/bin/sh
# Says the VM's name.
printf '%s\n' @HOSTNAME@
