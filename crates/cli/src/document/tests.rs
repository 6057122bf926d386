use barid_message::body::Body;
use barid_proto::message::v1 as pb;

use super::read::parse;
use super::{Document, Form, Input, KindName, read};

const NOTE: &str = r#"{"note":{"text":[{"language":"en","text":"Gate 2 closed."}]}}"#;

fn text_of(document: &Document) -> &str {
    match document {
        Document::Draft(_, body) => match &**body {
            Body::Note(note) => &note.text[0].text,
            other => panic!("{other:?} is no note"),
        },
        Document::Signed(_) => panic!("a draft was written"),
    }
}

#[test]
fn a_draft_needs_a_body_alone_and_comments_are_lines() {
    let text = format!("// a comment\n   // another\n{NOTE}\n");
    let documents = parse(&text, Form::Message).unwrap();
    assert_eq!(documents.len(), 1);
    assert_eq!(text_of(&documents[0]), "Gate 2 closed.");
    let web = r#"{"note":{"text":[{"language":"en","text":"see https://a.example // b"}]}}"#;
    assert_eq!(text_of(&parse(web, Form::Message).unwrap()[0]), "see https://a.example // b");
}

#[test]
fn several_messages_may_follow_one_another() {
    let text = format!("{NOTE}\n{NOTE}{NOTE}");
    assert_eq!(parse(&text, Form::Message).unwrap().len(), 3);
}

#[test]
fn a_bare_body_is_read_where_its_kind_is_said() {
    let body = r#"{"text":[{"language":"en","text":"Gate 2 closed."}]}"#;
    let documents = parse(body, Form::Body(KindName::Note)).unwrap();
    assert_eq!(text_of(&documents[0]), "Gate 2 closed.");
    assert!(parse(body, Form::Message).is_err());
    assert!(parse(body, Form::Body(KindName::Alert)).is_err());
}

#[test]
fn signed_messages_keep_their_bytes() {
    let message = pb::SignedMessage {
        envelope: Some(pb::Envelope {
            payload: vec![1, 2, 255].into(),
            payload_type: "type".into(),
            signatures: vec![pb::Signature::default()],
        }),
        body: vec![0, 200].into(),
    };
    let text = serde_json::to_string(&message).unwrap();
    assert_eq!(parse(&text, Form::Message).unwrap(), vec![Document::Signed(message)]);
}

#[test]
fn what_is_not_a_message_is_refused_with_its_place() {
    for text in [
        "{}",
        r#"{"header":{}}"#,
        r#"{"note":{},"alert":{}}"#,
        r#"{"note":{},"body":""}"#,
        r#"{"envelope":{},"note":{}}"#,
        r#"{"envelope":{},"body":"not base64!"}"#,
        r#"{"body":""}"#,
        "[]",
        "{",
    ] {
        assert!(parse(text, Form::Message).is_err(), "{text}");
    }
    for (text, place) in [
        ("{\n  \"noot\": {}\n}", "line 2"),
        ("// x\n{\"note\": {\"txt\": []}}", "line 2"),
        ("{\"note\": 1}", "line 1"),
    ] {
        let error = parse(text, Form::Message).unwrap_err().to_string();
        assert!(error.contains(place), "{error}");
    }
}

#[test]
fn a_folder_gives_its_json_files_in_order() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in
        [("b.json", "second"), ("a.json", "first"), (".c.json", "x"), ("d.txt", "x")]
    {
        let note = NOTE.replace("Gate 2 closed.", text);
        crate::durable::write(&folder.path().join(name), note.as_bytes()).unwrap();
    }
    let found = read(&Input::Path(folder.path().into()), Form::Message).unwrap();
    let texts: Vec<_> = found.iter().map(|(_, document)| text_of(document)).collect();
    assert_eq!(texts, ["first", "second"]);

    let empty = tempfile::tempdir().unwrap();
    let error = read(&Input::Path(empty.path().into()), Form::Message).unwrap_err();
    assert!(error.to_string().ends_with("holds no file that ends in .json"), "{error}");
    let error = read(&Input::Path(empty.path().join("a.json")), Form::Message).unwrap_err();
    assert!(error.to_string().starts_with("cannot read "), "{error}");
    assert_eq!(Input::from("-"), Input::Stdin);
}
