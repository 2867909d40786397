# shellcheck shell=sh
# TAP for shell tests: . tests/cli/tap.sh; then check "name" command...; finally: done_testing
tap_count=0
tap_failed=0

ok() {
    tap_count=$((tap_count + 1))
    echo "ok $tap_count - $1"
}

not_ok() {
    tap_count=$((tap_count + 1))
    tap_failed=$((tap_failed + 1))
    echo "not ok $tap_count - $1"
}

# Runs a command; the test passes if the command succeeds. Its output shows where it fails.
check() {
    tap_name=$1
    shift
    if tap_output=$("$@" 2>&1); then
        ok "$tap_name"
    else
        not_ok "$tap_name"
        printf '%s\n' "$tap_output" | sed 's/^/# /'
    fi
}

skip() {
    tap_count=$((tap_count + 1))
    echo "ok $tap_count - $1 # SKIP $2"
}

done_testing() {
    echo "1..$tap_count"
    [ "$tap_failed" -eq 0 ]
    exit
}
