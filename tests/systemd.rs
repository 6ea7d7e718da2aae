//! The unit's exposure, as systemd itself judges it.

use std::process::Command;

use tests::programs;

#[test]
fn the_unit_is_exposed_to_nothing_it_does_not_need() {
    let unit = concat!(env!("CARGO_MANIFEST_DIR"), "/../systemd/clavigerd.service");
    let folder = tempfile::tempdir().unwrap();
    // A folder without drop-ins; the unit's own would be found beside it.
    let copy = folder.path().join("clavigerd.service");
    std::fs::copy(unit, &copy).unwrap();
    let ran = programs::run(
        Command::new("systemd-analyze")
            .args(["security", "--no-pager", "--offline=true", "--threshold=2"])
            .arg(&copy)
            .env("SYSTEMD_UNIT_PATH", folder.path()),
    );
    assert_eq!(ran.code, 0, "an exposure above 0.2: {ran:?}");
    assert!(ran.stdout.contains("Overall exposure level"), "{ran:?}");
}
