//! Which events are asked for.

use barid_message::address::Address;
use barid_message::id::MessageId;
use barid_message::time::Millis;
use barid_proto::audit::v1::Event;
use barid_proto::message::v1::Kind;

use crate::row::EventRow;
use crate::schema::Run;

/// Conditions on events. All that are given must hold; the default asks for
/// every event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of one message, whoever sent it.
    pub message_id: Option<MessageId>,
    /// Of one agency, its units included, or of one unit; as originator or
    /// recipient.
    pub agency: Option<Address>,
    /// Of one kind of message. Refused submissions have none.
    pub kind: Option<Kind>,
    /// Of one outcome.
    pub event: Option<Event>,
    /// Not before.
    pub from: Option<Millis>,
    /// Before.
    pub to: Option<Millis>,
}

impl Filter {
    /// The runs whose common entries have all the events that match; never none.
    pub(crate) fn runs(&self) -> Vec<Run> {
        let runs: Vec<Run> = [
            self.message_id.as_ref().map(Run::by_message),
            self.agency.as_ref().map(Run::by_agency),
            self.kind.map(Run::by_kind),
            self.event.map(Run::by_outcome),
        ]
        .into_iter()
        .flatten()
        .collect();
        if runs.is_empty() { vec![Run::events()] } else { runs }
    }

    /// Whether all conditions hold for one event.
    #[must_use]
    pub fn matches(&self, row: &EventRow) -> bool {
        let concerns = |agency: &Address| {
            [&row.origin_agency, &row.recipient]
                .into_iter()
                .flatten()
                .any(|address| address == agency || address.agency() == *agency)
        };
        self.message_id.is_none_or(|id| row.message_id == Some(id))
            && self.agency.as_ref().is_none_or(concerns)
            && self.kind.is_none_or(|kind| row.kind == kind)
            && self.event.is_none_or(|event| row.event == event)
            && self.from.is_none_or(|from| row.time >= from)
            && self.to.is_none_or(|to| row.time < to)
    }
}
