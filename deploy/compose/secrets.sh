#!/bin/sh
# Make the secrets of docker-compose.yml in a folder; those that are there stay.
# Usage: deploy/compose/secrets.sh FOLDER
set -eu

folder="${1:?usage: $0 FOLDER}"
# The folder keeps others out. The files are read by the users of several containers, which own nothing here.
(umask 077 && mkdir -p "$folder")
umask 222

random() { head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'; }

for name in database_password grafana_password; do
    [ -e "$folder/$name" ] || random >"$folder/$name"
done
[ -e "$folder/database_url" ] || printf 'postgresql://copydesk:%s@postgres:5432/copydesk' "$(cat "$folder/database_password")" >"$folder/database_url"
