use barid_message::address::Address;
use barid_message::body::Body;
use barid_message::key::{Algorithm, SigningKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::check::faults;
use super::public_key;
use crate::document::{self, Document, Form, Input, KindName, template};
use crate::output::{Looks, Output};
use crate::show;

/// The template's message, with every `<…>` replaced by what a person would write.
fn filled(kind: KindName) -> Document {
    let text = template(kind).replace("<cc/agency>", "pk/police");
    let text = text.replace("<own cc/agency>", "pk/customs");
    let text = text.replace("<id>", "01a3185c-5000-7001-8000-000000000002");
    let text = text.replace("PGRpZ2VzdD4=", "mrogpEiAU6L7ogVE51+pcHea/eAQh9lwB4LbuFxhmUU=");
    let text = text.replace("\"<", "\"Filled in: ").replace(">\"", "\"");
    read(&text)
}

/// Who writes.
fn sender() -> Option<Address> {
    Address::parse("pk/customs").ok()
}

fn read(text: &str) -> Document {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("message.json");
    crate::durable::write(&file, text.as_bytes()).unwrap();
    let mut found = document::read(&Input::Path(file), Form::Message).unwrap();
    assert_eq!(found.len(), 1);
    found.remove(0).1
}

#[test]
fn a_template_that_is_filled_in_has_no_fault() {
    for kind in KindName::ALL {
        assert_eq!(faults(&filled(*kind), sender().as_ref(), None).unwrap(), [], "{kind:?}");
    }
}

#[test]
fn every_placeholder_that_is_left_is_a_fault() {
    for kind in KindName::ALL {
        let text = template(*kind);
        let found = faults(&read(text), sender().as_ref(), None).unwrap();
        assert!(found.iter().any(|fault| fault.path == "header.recipients[0].address"), "{kind:?}");
        let left = text.matches("\"<").count() + text.matches("\"PGRpZ2VzdD4=").count();
        assert_eq!(found.len(), left, "{kind:?}: {found:?}");
        assert!(found.iter().all(|fault| fault.rule == "template"), "{kind:?}: {found:?}");
    }
}

#[test]
fn one_placeholder_that_is_left_is_named_by_its_field() {
    let text = template(KindName::Alert).replace("<cc/agency>", "pk/police");
    let text = text.replace("\"<w", "\"W").replace("\"<one", "\"One");
    let found = faults(&read(&text), None, None).unwrap();
    let paths: Vec<_> = found.iter().map(|fault| fault.path.as_str()).collect();
    assert_eq!(paths, ["body.hit_contact.desk"]);
    let own = text.replace("<desk>", "<the duty desk>");
    assert_eq!(faults(&read(&own), None, None).unwrap(), [], "angle brackets are no fault");
}

#[test]
fn a_key_is_a_file_or_what_node_toml_has() {
    let key = SigningKey::generate(Algorithm::Ed25519).unwrap();
    let text = STANDARD.encode(key.public().spki());
    assert_eq!(public_key(&text).unwrap(), *key.public());
    let error = public_key("no.pem").unwrap_err().to_string();
    assert_eq!(error, "cannot use the key no.pem");
}

#[test]
fn all_faults_are_found_with_their_fields() {
    let text = r#"{"header":{"precedence":{"level":"PRECEDENCE_FLASH"}},
        "note":{"text":[{"language":"english","text":"a\u202eb"}]}}"#;
    let found = faults(&read(text), None, None).unwrap();
    let paths: Vec<_> = found.iter().map(|fault| fault.path.as_str()).collect();
    assert!(paths.len() >= 3, "{paths:?}");
    assert!(paths.contains(&"header.precedence.reason"), "{paths:?}");
    assert!(paths.contains(&"body.text[0].text"), "{paths:?}");
}

#[test]
fn a_message_is_shown_whole_and_harmless() {
    let Document::Draft(header, mut body) = filled(KindName::Alert) else {
        panic!("a template is a draft");
    };
    if let Body::Alert(alert) = &mut *body {
        alert.description[0].text = "line one\nline \u{1b}[31mtwo".to_owned();
    }
    let (mut output, out, _err) = Output::captured(false, Looks::default());
    show::whole(&header, &body, &mut output).unwrap();
    let shown = out.text();
    for line in [
        "to         pk/police",
        "  actionsToTake: OBSERVE",
        "  actionsToTake: REPORT",
        "    text: ",
        "      line one",
        "      line \\u{1b}[31mtwo",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line:?} in\n{shown}");
    }
    assert!(!shown.contains('\u{1b}'));
}

#[test]
fn code_lists_are_shown_with_their_meaning() {
    let (mut output, out, err) = Output::captured(false, Looks::default());
    super::codes::show(Some("crossing-state"), &mut output).unwrap();
    assert!(out.text().lines().any(|line| line == "RESTRICTED  Open with restrictions"));
    assert!(err.text().contains("Own, version 1"));
    super::codes::show(None, &mut output).unwrap();
    assert!(out.text().lines().any(|line| line.starts_with("iso-3166-1  ")));
    assert!(super::codes::show(Some("colours"), &mut output).is_err());
    let (mut output, out, _err) = Output::captured(true, Looks::default());
    super::codes::show(Some("tlp"), &mut output).unwrap();
    let line = r#"{"code":"AMBER+STRICT","label":"Recipient's organisation only, on a need-to-know basis","list":"tlp"}"#;
    assert!(out.text().lines().any(|shown| shown == line), "{}", out.text());
}

/// Text of each direction stands for itself: what is right to left is isolated, line by
/// line, and everything else is left alone.
#[test]
fn right_to_left_text_is_isolated_on_a_terminal() {
    use barid_message::examples::VALID;
    use barid_message::header::Kind;

    let (_, text) = VALID.iter().find(|(kind, _)| *kind == Kind::Note).unwrap();
    let Document::Draft(header, body) = read(text) else { panic!("an example is a draft") };
    let looks = Looks { terminal: true, ..Looks::default() };
    let (mut output, out, _err) = Output::captured(false, looks);
    show::whole(&header, &body, &mut output).unwrap();
    let shown = out.text();
    assert!(shown.contains("\u{2068}تفتح البوابة 2 في الساعة السادسة.\u{2069}"), "{shown}");
    assert!(shown.contains("Gate 2 opens at 06:00.") && !shown.contains("\u{2068}Gate"), "{shown}");
    assert!(!shown.contains("\u{2068}২"), "Bengali runs from left to right: {shown}");
    for line in shown.lines() {
        let [open, close] = ['\u{2068}', '\u{2069}'].map(|mark| line.matches(mark).count());
        assert_eq!(open, close, "{line}");
    }
}
