use std::time::Duration;

use super::{Circumstances, Summary, table};
use crate::demo::ledger::tests::{address, sound};

#[test]
fn the_line_has_these_fields_in_this_order() {
    let circumstances = Circumstances {
        nodes: 3,
        agencies: 4,
        unmapped: 7,
        restarts: 1,
        elapsed: Duration::from_millis(1_234),
    };
    let mut summary = Summary::new(&sound(), circumstances);
    assert!(summary.messages_per_s > 0.0);
    assert_eq!(summary.messages_per_s, (summary.messages_per_s * 10.0).round() / 10.0);
    summary.messages_per_s = 1_041.5;
    assert_eq!(
        serde_json::to_string(&summary).unwrap(),
        r#"{"nodes":3,"agencies":4,"submitted":3,"accepted":3,"refused":0,"unmapped":7,"deliveries":6,"handed_over":6,"expired":0,"other_finals":0,"without_final":0,"duplicates":0,"lost":0,"restarts":1,"messages_per_s":1041.5,"elapsed_ms":1234}"#
    );
}

#[test]
fn the_table_has_a_row_for_each_agency_and_one_for_all() {
    let agencies = ["pk/customs", "pk/police"].map(address);
    let (mut output, out, _) = crate::output::Output::captured(false, Default::default());
    output.table(&table(&sound(), &agencies)).unwrap();
    let shown = out.text();
    let rows: Vec<Vec<&str>> =
        shown.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["pk/customs", "3", "3", "0", "0", "0", "0", "0", "0", "0", "0"]);
    assert_eq!(rows[1], ["pk/police", "0", "0", "0", "3", "3", "0", "3", "0", "0", "0"]);
    assert_eq!(rows[2], ["all", "3", "3", "0", "6", "6", "0", "6", "0", "0", "0"]);
}
