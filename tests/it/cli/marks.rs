//! What a reader must not miss: exercises, and what is odd and no fault.

use super::Desk;

#[test]
fn an_exercise_is_marked_wherever_it_is_shown() {
    let desk = Desk::with_node();
    let real = desk.send_note("EXERCISE: or so it says.");
    let drill = serde_json::json!({
        "header": {"status": {"code": "STATUS_EXERCISE", "exerciseName": "Red Gate"}},
        "note": {"text": [{"language": "en", "text": "Fire at gate 2."}]},
    });
    let send = ["--as", "pk/customs", "--json", "send", "-", "--to", "pk/police"];
    let send = [&send[..], &["--purpose", "border-operation"]].concat();
    let sent = desk.run_with(&send, &drill.to_string());
    let id = sent.done().json()[0]["messageId"].as_str().expect("an id").to_owned();

    let statuses = ["--status", "exercise", "--status", "actual"];
    let receive = |rest: &[&str]| {
        desk.run(&[&["--as", "pk/police", "receive"][..], &statuses, rest].concat())
    };
    for shown in [desk.run(&["tail"]), desk.run(&["log"]), receive(&["--peek"])] {
        assert!(shown.done().has_row(&[" EXERCISE NOTE ", &id]), "{}", shown.out);
        let of_real = |line: &str| line.contains(&real) && !line.contains("EXERCISE NOTE");
        assert!(shown.out.lines().any(of_real), "{}", shown.out);
    }
    let queues = desk.run(&["queues", "pk/police"]);
    assert_eq!(queues.done().out.lines().count(), 3, "titles and two rows: {}", queues.out);
    assert!(queues.has_row(&["EXERCISE pk/police"]), "{}", queues.out);
    receive(&["--into", "in"]).done();
    let show = |id: &str| desk.run(&["message", "show", &format!("in/{id}.json")]);
    assert!(show(&id).done().out.starts_with("EXERCISE NOTE"), "{}", show(&id).out);
    assert!(show(&id).has_row(&["exercise", "Red Gate"]), "{}", show(&id).out);
    assert!(show(&real).done().out.starts_with("NOTE"), "{}", show(&real).out);
}

#[test]
fn a_warning_is_told_and_is_no_fault() {
    let desk = Desk::new();
    let zone = |state: &str, told: &[&str]| {
        let lines = [
            "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
            "L898902C37UTO7408122F1204159ZE184226B<<<<<10",
        ];
        let document =
            serde_json::json!({"state": state, "mrzLines": lines, "mrzWrongDigits": told});
        let subject = serde_json::json!({"person": {"documents": [document]}});
        let hit = serde_json::json!({
            "alert": {
                "originator": "pk/police",
                "messageId": "01a3185c-5000-7001-8000-000000000002",
            },
            "at": {"date": "2027-01-15"},
            "place": {"unlocode": "PKTKM"},
            "subjects": [subject],
        });
        let header = serde_json::json!({
            "dataProtection": {"personalData": ["PERSONAL_DATA_ORDINARY"]},
            "legal": {"purposes": ["PURPOSE_BORDER_OPERATION"], "legalBasis": "Customs Act, 1"},
            "times": {"retainUntil": "2099-01-01T00:00:00Z"},
        });
        serde_json::json!({"header": header, "hit": hit}).to_string()
    };
    let path = "body.subjects[0].person.documents[0].mrz_lines";
    let wrong = ["number", "composite"];
    let forged = zone("FORGED", &wrong);
    let said = desk.run_with(&["message", "check", "-"], &forged);
    assert!(said.done().has_row(&["no fault"]), "{}", said.out);
    assert!(said.has_row(&["warning: ", path, "[CHECK_DIGIT, V13]"]), "{}", said.out);
    let said = desk.run_with(&["--json", "message", "check", "-"], &forged);
    let found = &said.done().json()[0];
    assert_eq!(found["faults"], serde_json::json!([]));
    assert_eq!(found["warnings"][0]["path"], path);
    assert_eq!(found["warnings"].as_array().map(Vec::len), Some(1));

    // On a document that is not said to be false it is a fault, and no warning.
    let said = desk.run_with(&["--json", "message", "check", "-"], &zone("LOST", &[]));
    assert_eq!(said.code, Some(1), "{}", said.out);
    let found = &said.json()[0];
    assert_eq!(found["faults"][0]["path"], path);
    assert_eq!(found["warnings"], serde_json::json!([]));
}
