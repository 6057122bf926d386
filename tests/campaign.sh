#!/usr/bin/env bash
# The campaign: the fault tests of `cargo test` with the counts of a release, and those that
# they leave to it, since they need root, tools, or much time. What the machine lacks is
# installed from Debian's packages, or the test is skipped aloud.
#
#   tests/campaign.sh            everything; counts by the variables below
#   tests/campaign.sh --short    what the gate runs beyond `cargo test`: about a minute
#
# The last line is `PASS n m skipped` or `FAIL` with the steps that failed.
set -uo pipefail
cd "$(dirname "$0")/.."
exec </dev/null

export CARGO_TERM_COLOR=never RUST_BACKTRACE=1 BARID_CAMPAIGN=1
short=no
[ "${1:-}" = --short ] && short=yes

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export BARID_SKIPPED=$work/skipped
: >"$BARID_SKIPPED"

passed=0 failed=()

# NAME [VARIABLE=VALUE]... -- FILTER...: these tests, one at a time.
step() {
    local name=$1 started=$SECONDS variables=() count status=0
    shift
    while [ "$1" != -- ]; do
        variables+=("$1")
        shift
    done
    shift
    echo "== $name ${variables[*]}"
    # Of the whole workspace, as the gate builds it: nothing is compiled again.
    env "${variables[@]}" cargo test --quiet --workspace --test it -- \
        --test-threads 1 --nocapture "$@" >"$work/output" 2>&1 || status=$?
    sed 's/^\.*//' "$work/output" | grep -E '^(faults|federation|crash)::[a-z_]*: '
    count=$(sed -n 's/^test result: .* \([0-9]*\) passed.*/\1/p' "$work/output" | paste -sd +)
    count=$((${count:-0}))
    passed=$((passed + count))
    if [ $status != 0 ] || [ "$count" = 0 ]; then
        failed+=("$name")
        cat "$work/output"
    fi
    echo "== $name: $count passed, $((SECONDS - started)) s"
}

# Tools from Debian's packages, where they are missing and that can be done.
tools() {
    local missing=()
    command -v strace >/dev/null || missing+=(strace)
    command -v qemu-storage-daemon >/dev/null || missing+=(qemu-system-common qemu-utils)
    command -v mkfs.ext4 >/dev/null || missing+=(e2fsprogs)
    [ ${#missing[@]} = 0 ] && return
    echo "== tools: ${missing[*]}"
    { timeout 60 apt-get update -qq && DEBIAN_FRONTEND=noninteractive timeout 300 \
        apt-get install -qq -y --no-install-recommends "${missing[@]}"; } >/dev/null 2>&1 ||
        echo "could not be installed: ${missing[*]}"
}

tools
if [ $short = yes ]; then
    step "power cuts" BARID_FLUSHES="${BARID_FLUSHES:-20}" -- faults::power
    step "a kernel that fails a sync" -- faults::real
else
    step "every step on the disk" BARID_POINTS="${BARID_POINTS:-all}" -- faults::points
    step "power cuts" BARID_FLUSHES="${BARID_FLUSHES:-all}" -- faults::power
    step "a kernel that fails a sync" -- faults::real
    step "errors of the disk" -- faults::errors
    step "full disks" -- faults::full start::disk
    step "clocks and limits" -- faults::clock faults::limits faults::poison
    step "a crowd" BARID_CLIENTS="${BARID_CLIENTS:-1000}" -- faults::crowd
    step "consumers in trouble" -- faults::stuck
    step "pauses" BARID_PAUSE="${BARID_PAUSE:-60}" -- federation::paused
    step "kills" BARID_KILLS="${BARID_KILLS:-1500}" -- crash::kills
    step "kills and cuts between nodes" BARID_OUTAGES="${BARID_OUTAGES:-300}" -- federation::outages
    step "three days apart" BARID_DRAIN="${BARID_DRAIN:-10000}" -- federation::drain
fi

skipped=$(wc -l <"$BARID_SKIPPED")
cat "$BARID_SKIPPED"
if [ ${#failed[@]} = 0 ]; then
    echo "PASS $passed $skipped skipped"
else
    echo "FAIL ${failed[*]}"
    exit 1
fi
