#!/bin/sh
# A step of the Dockerfile: puts into /app what the image of $SERVICE holds, at the versions of uv.lock.
# Usage: install.sh dependencies|workspace
set -eu

package="copydesk-$SERVICE"
case "$SERVICE" in
copydesk) package=copydesk ;;
classifier) EXTRAS="$EXTRAS similarity" ;;
esac
set -- "$1" --frozen --no-dev --no-editable --package "$package"
for extra in $EXTRAS; do set -- "$@" --extra "$extra"; done
step="$1"
shift

if [ -s /run/secrets/certificates ]; then export SSL_CERT_FILE=/run/secrets/certificates; fi

# The lock file says where each file lies, and `uv sync` goes there. Behind a mirror only its versions and digests count.
mirror=
if [ -s /run/secrets/index ]; then
    mirror=yes
    UV_DEFAULT_INDEX="$(cat /run/secrets/index)"
    export UV_DEFAULT_INDEX VIRTUAL_ENV=/app
fi

case "$step$mirror" in
dependencies)
    uv sync --quiet "$@" --no-install-workspace
    ;;
dependenciesyes)
    uv venv --quiet --no-project /app
    uv export --quiet "$@" --no-emit-workspace --format requirements.txt --output-file /tmp/requirements.txt
    uv pip install --quiet --require-hashes --no-deps --requirements /tmp/requirements.txt
    ;;
workspace)
    uv sync --quiet "$@"
    ;;
workspaceyes)
    uv export --quiet "$@" --no-hashes --format requirements.txt | grep '^\./' >/tmp/members.txt
    uv pip install --quiet --no-deps --requirements /tmp/members.txt
    ;;
*)
    echo "install.sh: $step is no step" >&2
    exit 2
    ;;
esac

if [ "$step" = workspace ]; then
    cp LICENSE /app/
    /app/bin/python deploy/docker/slim.py
fi
