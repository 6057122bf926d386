//! How much of real CAP alerts and CISE incidents the standard has a typed field for.
//!
//! The table says of every element of the samples which field it is, or that it is part of
//! the rest; an element that is not in the table fails the test.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use quick_xml::Reader;
use quick_xml::events::Event;

/// Protos in which a field of the table must stand.
const PROTOS: [&str; 4] = [
    include_str!("../../../proto/barid/message/v1/header.proto"),
    include_str!("../../../proto/barid/message/v1/alert.proto"),
    include_str!("../../../proto/barid/message/v1/incident.proto"),
    include_str!("../../../proto/barid/message/v1/blocks.proto"),
];

/// Elements of CAP 1.1 and 1.2 with text, below `alert`, and their fields; none = the rest.
/// A pair of valueName and value is one element.
const CAP: &[(&str, &str)] = &[
    ("identifier", "external_ref"),
    ("sender", "external_ref"),
    ("sent", "created_at"),
    ("status", "status"),
    ("msgType", "lineage"),
    ("source", "source_name"),
    ("scope", "onward"),
    ("restriction", "handling"),
    ("addresses", "recipients"),
    ("code", "special_handling"),
    ("note", "note"),
    ("references", "references"),
    ("incidents", "thread_id"),
    ("info/language", "language"),
    ("info/category", "categories"),
    ("info/event", "event"),
    ("info/responseType", "response_types"),
    ("info/urgency", "urgency"),
    ("info/severity", "severity"),
    ("info/certainty", "certainty"),
    ("info/audience", "audience"),
    ("info/eventCode", "event_codes"),
    ("info/effective", "effective_at"),
    ("info/onset", "onset_at"),
    ("info/expires", "expires_at"),
    ("info/senderName", "sender_name"),
    ("info/headline", "headline"),
    ("info/description", "description"),
    ("info/instruction", "instruction"),
    ("info/web", "web"),
    ("info/contact", "hit_contact"),
    ("info/parameter", ""),
    ("info/resource/resourceDesc", "name"),
    ("info/resource/mimeType", "media_type"),
    ("info/resource/size", "size"),
    ("info/resource/uri", "attachments"),
    ("info/resource/derefUri", "attachments"),
    ("info/resource/digest", "sha256"),
    ("info/area/areaDesc", "description"),
    ("info/area/polygon", "polygons"),
    ("info/area/circle", "circles"),
    ("info/area/geocode", "geocodes"),
    ("info/area/altitude", "altitude_m"),
    ("info/area/ceiling", "ceiling_m"),
];

/// Elements of a CISE push of an incident, below `Push`.
const CISE: &[(&str, &str)] = &[
    ("CorrelationID", "correlation_id"),
    ("CreationDateTime", "created_at"),
    ("MessageID", "external_ref"),
    ("Priority", "precedence"),
    ("Sender/SeaBasin", ""),
    ("Sender/ServiceID", "originator"),
    ("Sender/ServiceOperation", "kind"),
    ("Sender/ServiceRole", "originator"),
    ("Sender/ServiceStatus", ""),
    ("Sender/ServiceType", "kind"),
    ("Recipient/SeaBasin", ""),
    ("Recipient/ServiceID", "recipients"),
    ("Recipient/ServiceOperation", "kind"),
    ("Recipient/ServiceRole", "role"),
    ("Recipient/ServiceStatus", ""),
    ("Recipient/ServiceType", "kind"),
    ("Payload/InformationSecurityLevel", "classification"),
    ("Payload/InformationSensitivity", "tlp"),
    ("Payload/IsPersonalData", "personal_data"),
    ("Payload/Purpose", "purposes"),
    ("Payload/EnsureEncryption", "sealing_suite"),
    ("Payload/Incident/Identifier/GeneratedIn", "reported_at"),
    ("Payload/Incident/Identifier/UUID", "external_ref"),
    ("Payload/Incident/ResponseUrgency", "urgency"),
];

/// Elements of other standards that stand in some alerts: XML signatures, and GML.
const FOREIGN: [&str; 2] = ["Signature", "Point"];

/// The elements with text below `top`, by path and count, without those of other standards.
fn elements(document: &[u8], top: &str, found: &mut BTreeMap<String, usize>) {
    let mut reader = Reader::from_reader(document);
    let mut path: Vec<String> = Vec::new();
    let mut buffer = Vec::new();
    loop {
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(start)) => {
                path.push(start.local_name().as_ref().to_owned());
            }
            Ok(Event::End(_)) => drop(path.pop()),
            Ok(Event::Text(text)) if !text.trim_ascii().is_empty() => {
                let below = path.iter().position(|name| name == top);
                let below = below.map_or(&[][..], |at| &path[at + 1..]);
                if below.is_empty() || below.iter().any(|name| FOREIGN.contains(&name.as_str())) {
                    continue;
                }
                let pair = ["valueName", "value"].contains(&below[below.len() - 1].as_str());
                let end = if pair { below.len() - 1 } else { below.len() };
                // A pair counts by its value.
                let counted = usize::from(below[below.len() - 1] != "valueName");
                *found.entry(below[..end].join("/")).or_default() += counted;
            }
            Ok(Event::Eof) | Err(_) => return,
            Ok(_) => {}
        }
        buffer.clear();
    }
}

/// How many elements of a thousand are typed; and that by occurrence too, with the rest, in
/// words.
fn typed(what: &str, found: &BTreeMap<String, usize>, table: &[(&str, &str)]) -> (usize, String) {
    let field = |path: &str| table.iter().find(|(one, _)| *one == path).map(|(_, field)| *field);
    let unknown: Vec<_> = found.keys().filter(|path| field(path).is_none()).collect();
    assert!(unknown.is_empty(), "{what}: not in the table: {unknown:?}");
    let (rest, kept): (Vec<_>, Vec<_>) =
        found.iter().partition(|(path, _)| field(path).is_some_and(str::is_empty));
    let times = |part: &[(&String, &usize)]| part.iter().map(|(_, count)| **count).sum::<usize>();
    let (all, elements) = (times(&rest) + times(&kept), rest.len() + kept.len());
    let words = format!(
        "{what}: {} of {elements} elements typed, {} of {all} occurrences; the rest: {rest:?}",
        kept.len(),
        times(&kept)
    );
    (kept.len() * 1_000 / elements, words)
}

/// The folder of the data; None, said loudly, where there is none.
#[expect(clippy::disallowed_methods, reason = "where the data lies is the runner's business")]
fn data(test: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = std::env::var("BARID_DATA").map_or_else(|_unset| beside(), PathBuf::from);
    if folder.join("cap").is_dir() {
        return Some(folder);
    }
    let line = format!("SKIPPED {test}: no data at {}\n", folder.display());
    std::io::stderr().write_all(line.as_bytes()).expect("stderr can be written");
    if let Ok(skipped) = std::env::var("BARID_SKIPPED") {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(skipped);
        file.and_then(|mut file| file.write_all(line.as_bytes())).expect("the list of skipped");
    }
    None
}

/// Every file below a folder.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the folder can be listed") {
        let path = entry.expect("the folder can be listed").path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

#[test]
fn every_field_of_the_tables_is_there() {
    for (path, field) in CAP.iter().chain(CISE).filter(|(_, field)| !field.is_empty()) {
        let known = PROTOS.iter().any(|proto| proto.contains(&format!(" {field} = ")));
        assert!(known, "{path}: no field {field}");
    }
}

#[test]
fn real_alerts_and_incidents_have_typed_fields() {
    let Some(data) = data("real_alerts_and_incidents_have_typed_fields") else { return };
    let (mut cap, mut read) = (BTreeMap::new(), 0);
    let mut paths = Vec::new();
    for folder in ["google-cap-library", "oasiscap", "wmo-cap2geojson", "wmo-capvalidator"] {
        files(&data.join("cap").join(folder), &mut paths);
    }
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // What others keep to show what is no CAP; and what is none.
        if name.starts_with("invalid.")
            || name.starts_with("invalid_schema")
            || name.ends_with(".pem")
        {
            continue;
        }
        let document = std::fs::read(&path).expect("the file can be read");
        elements(&document, "alert", &mut cap);
        read += 1;
    }
    assert!(read > 30, "{read}");
    let mut cise = BTreeMap::new();
    let incident = std::fs::read(data.join("cise/payloads/Incident.xml")).expect("the sample");
    elements(&incident, "Push", &mut cise);
    let own: BTreeMap<_, _> =
        cise.clone().into_iter().filter(|(path, _)| path.contains("/Incident/")).collect();
    for (what, found, table, least) in [
        ("CAP", &cap, CAP, 950),
        ("CISE Incident", &own, CISE, 1_000),
        ("CISE message of an incident", &cise, CISE, 800),
    ] {
        let (share, words) = typed(what, found, table);
        println!("{words}");
        assert!(share >= least, "{words}");
    }
}
