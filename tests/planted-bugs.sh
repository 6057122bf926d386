#!/usr/bin/env bash
# Proof that the tests bite: plants one fault after the other into the product's code, by
# name at run time, and shows which test finds it, and that the same test passes without it.
# One build, with the feature `planted` of this package, in a folder of its own; a build that
# fails catches nothing.
#
#   tests/planted-bugs.sh [NAME]...      all of them, or those named
set -euo pipefail
cd "$(dirname "$0")/.."
exec </dev/null

export CARGO_TERM_COLOR=never CARGO_INCREMENTAL=0
export CARGO_TARGET_DIR=${BARID_PLANTED_TARGET:-$PWD/target/planted}
LIMIT_S=120

# Fault, package, the test that is to find it.
BUGS='
skip-folder-sync         journal power_cut::a_power_cut_at_any_change_loses_nothing
ignore-sync-error        journal power_cut::an_io_error_at_any_change_is_not_survived_and_loses_nothing
drop-any-tail            journal damage::a_tail_without_one_sector_of_zeros_is_never_dropped
trust-page-cache         journal power_cut::a_killed_node_does_not_trust_the_cache
accept-stale-group       journal damage::a_group_in_the_wrong_place_is_damage
accept-shorter-journal   journal snapshots::a_journal_shorter_than_a_snapshot_is_refused
answer-before-barrier    e2e     faults::errors::a_power_cut_at_a_sync_takes_no_receipt_with_it
skip-body-sync           e2e     faults::errors::a_power_cut_at_a_sync_takes_no_receipt_with_it
dedupe-by-id-only        e2e     delivery::submission::one_id_of_two_agencies_is_two_messages
swallow-other-recipient  e2e     federation::liar::transfers::a_message_that_comes_again_for_another_recipient_is_no_repeat
lease-without-end        broker  tests::what_fails_together_is_not_tried_again_together
take-anothers-ack        broker  tests::another_consumers_token_is_worth_nothing
count-no-try             broker  tests::a_fifth_failure_makes_a_dead_letter_and_an_operator_gives_five_new_tries
forget-hand-outs         e2e     delivery::leases::an_ack_counts_after_a_restart_if_nobody_else_was_given_the_message
hand-out-what-is-over    broker  tests::time::what_is_over_when_its_turn_comes_ends_there
trust-any-clock          broker  tests::time::with_a_clock_in_doubt_nothing_new_is_taken_and_nothing_ends
take-forgotten-id        broker  tests::links::an_id_that_may_have_been_forgotten_is_taken_over_no_more
accept-stale-permit      broker  tests::a_permit_of_an_older_registry_is_refused
final-while-offered      broker  tests::links::in_doubt_past_the_deadline_is_overdue_and_the_final_follows_when_the_link_heals
reuse-lane-number        broker  tests::write_off::a_node_that_comes_back_gets_a_void_for_what_it_never_took
two-finals               broker  tests::links::after_a_crash_what_may_have_left_is_not_decided_about
send-before-horizon      broker  tests::links::after_a_crash_what_may_have_left_is_not_decided_about
resume-one-too-far       broker  tests::links::what_never_left_expires_and_its_number_is_void
'

build() {
    local log=$CARGO_TARGET_DIR/artifacts.json
    mkdir -p "$CARGO_TARGET_DIR"
    cargo test --no-run --message-format=json-render-diagnostics \
        -p barid-journal -p barid-broker -p e2e --features e2e/planted >"$log"
    # Of each package the one that holds these tests.
    executable() {
        grep -F "\"src_path\":\"$PWD/$1\"" "$log" | grep -F '"profile":' |
            sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1
    }
    journal=$(executable crates/journal/tests/it/main.rs)
    broker=$(executable crates/broker/src/lib.rs)
    e2e=$(executable tests/it/main.rs)
    [ -x "$journal" ] && [ -x "$broker" ] && [ -x "$e2e" ]
}

# Runs one test by its whole name; 0 = it passed, 1 = it failed by itself, 2 = neither.
run() {
    local package=$1 test=$2 executable folder output status=0
    case $package in
        journal) executable=$journal folder=crates/journal ;;
        broker) executable=$broker folder=crates/broker ;;
        e2e) executable=$e2e folder=tests ;;
    esac
    output=$(cd "$folder" && timeout "$LIMIT_S" "$executable" --exact "$test" 2>&1) || status=$?
    if [ $status = 0 ] && [[ $output == *"1 passed; 0 failed"* ]]; then
        return 0
    elif [ $status = 101 ] && [[ $output == *"0 passed; 1 failed"* ]]; then
        return 1
    fi
    printf '%s\n' "$output" | tail -n 5
    return 2
}

wanted() {
    [ ${#only[@]} = 0 ] && return
    local name
    for name in "${only[@]}"; do
        [ "$name" = "$1" ] && return
    done
    return 1
}

only=("$@")
build
caught=0 all=0 missed=()
while read -r bug package test; do
    [ -n "$bug" ] && wanted "$bug" || continue
    all=$((all + 1))
    without=0 with=0
    run "$package" "$test" || without=$?
    BARID_PLANTED=$bug run "$package" "$test" || with=$?
    if [ $without = 0 ] && [ $with = 1 ]; then
        caught=$((caught + 1))
        echo "caught  $bug  by  $package $test"
    else
        missed+=("$bug")
        echo "MISSED  $bug  by  $package $test (without it: $without, with it: $with)"
    fi
done <<<"$BUGS"
[ ${#missed[@]} = 0 ] || echo "missed: ${missed[*]}"
echo "$caught of $all caught"
[ "$caught" = "$all" ]
