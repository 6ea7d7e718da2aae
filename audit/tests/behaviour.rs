//! The table "How the log behaves when something fails" of docs/auditing.md: each row has tests,
//! which are there.

use std::path::Path;

/// How a row begins, and the files and names of its tests.
const ROWS: &[(&str, &[(&str, &str)])] = &[
    (
        "a write fails (full disk, once the reserved room is used up, read-only remount, I/O error)",
        &[
            ("audit/src/faults/mod.rs", "no_fault_loses_an_acknowledged_entry"),
            ("audit/src/faults/mod.rs", "a_mended_file_says_how_many_entries_it_misses"),
            ("tests/audit_disk.rs", "nothing_is_done_while_the_log_can_not_be_written"),
            ("tests/audit_disk.rs", "a_disk_that_turns_read_only_refuses_and_loses_nothing"),
        ],
    ),
    (
        "an `fdatasync` fails",
        &[
            ("audit/src/faults/mod.rs", "no_fault_loses_an_acknowledged_entry"),
            ("audit/src/faults/mod.rs", "a_new_file_waits_for_the_token"),
        ],
    ),
    (
        "the file that is written is deleted, moved away or replaced",
        &[
            ("audit/tests/log/live_file.rs", "a_file_that_was_taken_away_comes_back_whole"),
            ("audit/tests/log/live_file.rs", "an_entry_in_a_file_that_is_gone_is_not_acknowledged"),
            ("tests/audit_live.rs", "a_deleted_file_is_seen_and_comes_back"),
        ],
    ),
    (
        "somebody appends to it",
        &[("audit/tests/log/live_file.rs", "a_file_that_was_taken_away_comes_back_whole")],
    ),
    (
        "it is truncated",
        &[
            (
                "audit/tests/log/live_file.rs",
                "lines_that_were_cut_off_are_entered_and_not_forgotten",
            ),
            ("tests/audit_live.rs", "a_truncated_file_is_seen_and_its_loss_is_told"),
        ],
    ),
    (
        "after any of these",
        &[
            ("audit/src/faults/mod.rs", "a_mended_file_says_how_many_entries_it_misses"),
            ("tests/audit_live.rs", "a_deleted_file_is_seen_and_comes_back"),
            ("tests/audit_disk.rs", "nothing_is_done_while_the_log_can_not_be_written"),
        ],
    ),
    (
        "the token is away",
        &[("audit/tests/log/restarting.rs", "a_token_that_is_away_holds_up_no_entry")],
    ),
    (
        "crash or power cut",
        &[
            ("audit/tests/log/restarting.rs", "a_torn_tail_is_set_aside_with_an_entry"),
            (
                "audit/tests/tampering/tails.rs",
                "what_a_crash_left_unsigned_is_taken_over_and_counted",
            ),
            ("tests/crash/main.rs", "what_was_acknowledged_outlives_daemon_and_worker"),
        ],
    ),
    (
        "somebody puts lines behind the last checkpoint while no daemon runs",
        &[
            ("audit/tests/tampering/tails.rs", "nothing_follows_a_run_that_was_closed"),
            (
                "audit/tests/tampering/tails.rs",
                "what_the_daemon_does_not_write_is_set_aside_after_a_crash_too",
            ),
        ],
    ),
    (
        "earlier files were taken away, put in or cut",
        &[(
            "audit/tests/tampering/tails.rs",
            "an_earlier_file_that_was_taken_away_cut_or_put_in_stops_a_start",
        )],
    ),
    (
        "the log is shorter than its checkpoint, or its lines are others",
        &[
            (
                "audit/tests/log/restarting.rs",
                "a_log_that_was_cut_changed_or_swapped_does_not_start",
            ),
            ("audit/tests/log/anchors.rs", "every_older_state_of_the_directory_is_refused"),
            (
                "tests/audit_live.rs",
                "a_log_that_was_put_back_does_not_start_until_an_operator_says_so",
            ),
        ],
    ),
    (
        "the change of the logger key breaks off",
        &[
            ("audit/tests/rotation.rs", "a_run_that_breaks_off_anywhere_is_done_again"),
            ("tests/rotation.rs", "a_rotation_that_is_killed_is_done_again"),
        ],
    ),
    (
        "the operator accepts the loss",
        &[("audit/tests/log/anchors.rs", "an_operator_can_begin_anew_and_the_log_says_so")],
    ),
];

#[test]
fn each_row_of_the_table_has_its_tests() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let guide = read("docs/auditing.md");
    let (_, section) = guide.split_once("## How the log behaves when something fails").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows: Vec<_> = section.lines().filter_map(|line| line.strip_prefix("| ")).collect();
    let [head, rows @ ..] = rows.as_slice() else { panic!("no table") };
    assert!(head.starts_with("what | what happens"), "{head}");
    let known: Vec<_> = ROWS.iter().map(|(row, _)| *row).collect();
    let found: Vec<_> = rows.iter().map(|row| row.split(" | ").next().unwrap()).collect();
    assert_eq!(found, known, "a row without tests, or tests without their row");
    for (path, name) in ROWS.iter().flat_map(|(_, tests)| *tests) {
        assert!(read(path).contains(&format!("\nfn {name}() {{")), "{path} has no test {name}");
    }
}
