#!/bin/sh
# Writes the hashed requirements that installs use. What is pinned in them stays unless --upgrade or
# --upgrade-package <name> says otherwise; a service's pins are those of development.txt.
set -eu
cd "$(dirname "$0")/.."
members=$(sed -n 's/^name = "\(candor-.*\)"$/--no-emit-package \1/p' */pyproject.toml services/*/pyproject.toml)
pin() { # file, uv options…
    file=$1; shift
    # shellcheck disable=SC2086 # words of options
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
        --output-file "requirements/$file" $members "$@" >/dev/null
}
pin development.txt "$@" --group dev pyproject.toml
for service in chat rating analytics; do
    pin "$service.txt" --constraints requirements/development.txt "$@" "services/$service/pyproject.toml"
done
for group in bootstrap pages; do
    pin "$group.txt" --constraints requirements/development.txt "$@" --group "$group"
done
