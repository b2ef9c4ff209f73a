#!/bin/sh
# Prometheus takes the alert rules, they fire when they should and only then, and the dashboard is
# JSON. tests/system/metrics.py compares their names with what orderctl writes.
. "${0%/*}/lib.sh"
need promtool "prometheus, which also starts a server"

cd packaging/monitoring
promtool check rules orderd.rules.yml
promtool test rules orderd.rules.test.yml
"${PYTHON3:-python3}" -m json.tool orderd-dashboard.json >/dev/null
