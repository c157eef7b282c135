#!/bin/sh
# Resolves everything anew and writes the hashed requirements that installs use. uv.lock itself stays out
# of version control: it names the place that packages came from.
set -eu
cd "$(dirname "$0")/.."
uv lock --quiet "$@"
export_to() { # file, uv export options…
    file=$1; shift
    uv export --quiet --frozen --no-emit-workspace --no-header --no-annotate --output-file "requirements/$file" "$@" >/dev/null
}
export_to development.txt --all-packages --all-groups
for service in chat rating analytics; do
    export_to "$service.txt" --package "candor-$service" --no-dev
done
export_to bootstrap.txt --only-group bootstrap
