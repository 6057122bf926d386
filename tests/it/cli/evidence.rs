//! Evidence in a file, at the command line.

use super::Desk;

#[test]
fn what_is_exported_can_be_verified_by_whoever_has_the_keys() {
    let desk = Desk::with_node();
    let id = desk.send_note("Gate 2 closed.");
    desk.run(&["--as", "pk/police", "receive"]).done();
    let export = ["audit", "export", &id, "--why", "case 17/2027", "-o", "gate.bundle"];
    let exported = desk.run(&export);
    assert!(exported.done().has_row(&["gate.bundle", "pieces of evidence"]), "{}", exported.out);
    // The keys that it lists are the lines of a trust file.
    let alone = desk.run(&["audit", "verify", "gate.bundle", "--json"]);
    assert_eq!(alone.code, Some(3), "{}", alone.err);
    let told = &alone.json()[0];
    assert_eq!(told["answer"], "CONSISTENT ONLY");
    let keys = told["files"][0]["keys_to_compare"].as_array().expect("a list");
    let keys: Vec<_> = keys.iter().map(|key| key.as_str().expect("a line")).collect();
    let trust = format!("barid-trust 1\n{}\n", keys.join("\n"));
    crate::harness::write(&desk.path("trust.txt"), trust.as_bytes());
    let verify = ["audit", "verify", "gate.bundle", "--trust", "trust.txt"];
    let proven = desk.run(&verify);
    assert!(proven.done().has_row(&["PROVEN", "gate.bundle"]), "{}", proven.out);
    assert!(proven.has_row(&["handed over", "pk/police"]), "{}", proven.out);
    let mut bytes = std::fs::read(desk.path("gate.bundle")).expect("it was written");
    bytes[700] ^= 1;
    crate::harness::write(&desk.path("gate.bundle"), &bytes);
    let refused = desk.run(&verify);
    assert_eq!(refused.code, Some(1), "{}", refused.err);
    assert!(refused.has_row(&["REFUSED", "gate.bundle"]), "{}", refused.out);
    desk.run(&["audit", "export", &id, "-o", "gate.bundle"]).failed(2, "--why");
}
