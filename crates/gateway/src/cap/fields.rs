//! What CAP says and an ALERT has no field for.

use barid_proto::message::v1 as pb;

use super::{
    alert::{Alert, Words},
    map::certainty,
    merge::Matter,
};
use crate::{
    source::{Part, Reason},
    text,
};

/// What has no field of its own, verbatim. What differs between translations says
/// of which language it is: `cap.web@fr-CA`.
pub(super) fn source_fields(
    alert: &Alert,
    matter: &Matter<'_>,
    part: Option<Part>,
) -> Result<Vec<pb::NamedValue>, Reason> {
    let codes = matter.codes();
    let mut fields = Fields(Vec::new());
    fields.put("cap.version", alert.version.name())?;
    fields.put("cap.sent", &alert.sent.printed)?;
    fields.put("cap.status", alert.status)?;
    fields.put("cap.msgType", alert.message_type)?;
    fields.put("cap.scope", alert.scope)?;
    fields.0.extend(alert.others.iter().cloned());
    if alert.signed {
        fields.put("cap.signature", "present, not verified")?;
    }
    if let Some(part) = part {
        fields.put("cap.info", &format!("{} of {}", part.number, part.of))?;
    }
    for (name, stamp) in
        [("effective", &codes.effective), ("onset", &codes.onset), ("expires", &codes.expires)]
    {
        if let Some(stamp) = stamp {
            fields.put(&format!("cap.{name}"), &stamp.printed)?;
        }
    }
    if codes.certainty != certainty(codes.certainty) {
        fields.put("cap.certainty", codes.certainty)?;
    }
    for (number, area) in (1..).zip(&matter.first().areas) {
        for (name, feet) in [("altitude", &area.shape.altitude), ("ceiling", &area.shape.ceiling)] {
            if let Some(feet) = feet {
                fields.put(&format!("cap.area.{number}.{name}_ft"), feet)?;
            }
        }
    }
    let mut derived = vec!["actions_to_take", "hit_contact"];
    for (position, info) in matter.infos().iter().enumerate() {
        fields.words(&info.words, position == 0)?;
        if info.words.headline.is_empty() && !derived.contains(&"headline") {
            derived.push("headline");
        }
    }
    fields.put("derived", &derived.join(", "))?;
    Ok(fields.0)
}

/// Source fields as they grow.
struct Fields(Vec<pb::NamedValue>);

impl Fields {
    fn put(&mut self, name: &str, value: &str) -> Result<(), Reason> {
        self.0.extend(text::named(name, value)?);
        Ok(())
    }

    /// The first block's sender name and page have fields of their own; of the
    /// others, only what differs is kept.
    fn words(&mut self, words: &Words, is_first: bool) -> Result<(), Reason> {
        let own = [("cap.senderName", &words.sender_name), ("cap.web", &words.web)];
        let beside = words.values.iter().map(|value| (value.name.as_str(), &value.value));
        let contact = ("cap.contact", &words.contact);
        if is_first {
            for (name, value) in beside.chain([contact]) {
                self.put(name, value)?;
            }
            if words.web_address().is_none() {
                self.put("cap.web", &words.web)?;
            }
            return Ok(());
        }
        for (name, value) in own.into_iter().chain(beside).chain([contact]) {
            let known = |field: &pb::NamedValue| field.name == name && field.value == *value;
            if !self.0.iter().any(known) {
                self.put(&format!("{name}@{}", words.language), value)?;
            }
        }
        Ok(())
    }
}
