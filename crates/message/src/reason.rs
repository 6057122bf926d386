//! Reasons: the stable codes for why something was refused, returned or ended, and
//! the gRPC code of each. `proto/REASONS.md` is this table for people.

pub use barid_proto::message::v1::Reason;

/// The name in `google.rpc.ErrorInfo`: that of the enum, without its prefix.
pub fn name(reason: Reason) -> &'static str {
    let name = reason.as_str_name();
    name.strip_prefix("REASON_").unwrap_or(name)
}

/// The reason of that number; `UNSPECIFIED` for a number this version does not know.
pub fn from_number(number: i32) -> Reason {
    Reason::try_from(number).unwrap_or(Reason::Unspecified)
}

/// The gRPC status code with which a call is refused for this reason, as its number
/// (`google.rpc.Code`).
#[expect(clippy::too_many_lines, reason = "a table, one line a reason")]
pub fn code(reason: Reason) -> u8 {
    use grpc::{
        ALREADY_EXISTS, DATA_LOSS, DEADLINE_EXCEEDED, FAILED_PRECONDITION, INTERNAL,
        INVALID_ARGUMENT, NOT_FOUND, OUT_OF_RANGE, PERMISSION_DENIED, RESOURCE_EXHAUSTED,
        UNAUTHENTICATED, UNAVAILABLE, UNIMPLEMENTED, UNKNOWN,
    };
    match reason {
        Reason::Unspecified => UNKNOWN,
        Reason::Malformed
        | Reason::NotCanonical
        | Reason::FieldMissing
        | Reason::FieldInvalid
        | Reason::UnknownCode
        | Reason::ListInvalid
        | Reason::TooLarge
        | Reason::TextInvalid
        | Reason::AddressInvalid
        | Reason::CountryUnknown
        | Reason::IdInvalid
        | Reason::TimeOrder
        | Reason::ClockSkew
        | Reason::BodyMismatch
        | Reason::ExtensionUnknown
        | Reason::GeometryInvalid
        | Reason::CheckDigit
        | Reason::NotTheOwner
        | Reason::FlashNotAllowed
        | Reason::PersonalDataUncovered
        | Reason::RecipientIsSender
        | Reason::SignatureCount
        | Reason::SignatureMalformed
        | Reason::SignatureInvalid
        | Reason::PayloadType
        | Reason::KeyUnknown
        | Reason::KeyNotValid
        | Reason::AlgorithmMismatch
        | Reason::KeyWeak
        | Reason::ProofInvalid
        | Reason::StatusMixed => INVALID_ARGUMENT,
        Reason::VersionUnsupported => UNIMPLEMENTED,
        Reason::OutOfRange => OUT_OF_RANGE,
        Reason::IdentityUnknown => UNAUTHENTICATED,
        Reason::SenderMismatch
        | Reason::RecipientNotPermitted
        | Reason::AgreementNotCovering
        | Reason::PrecedenceNotPermitted
        | Reason::NotPermitted
        | Reason::LeaseNotYours
        | Reason::PeerNotCovering
        | Reason::SecondPersonNeeded
        | Reason::OtherLog => PERMISSION_DENIED,
        Reason::DuplicateIdConflict | Reason::SlotConflict => ALREADY_EXISTS,
        Reason::NotFound => NOT_FOUND,
        Reason::Overloaded | Reason::StorageFull | Reason::TooManyStreams => RESOURCE_EXHAUSTED,
        Reason::ClockSuspect
        | Reason::StorageDamaged
        | Reason::ShuttingDown
        | Reason::RegistryChanged
        | Reason::DeliveryLogDown
        | Reason::AuditLogDown => UNAVAILABLE,
        Reason::Deadline => DEADLINE_EXCEEDED,
        Reason::Internal => INTERNAL,
        Reason::DataLoss => DATA_LOSS,
        Reason::Expired
        | Reason::TooOld
        | Reason::NotSupportedYet
        | Reason::RecipientKindUnsupported
        | Reason::AttachmentsUnsupported
        | Reason::LeaseUnknown
        | Reason::AlreadyFinal
        | Reason::WrongState
        | Reason::LinkProtocol
        | Reason::LinkFenced
        | Reason::LogChanged
        | Reason::ProposalExpired
        | Reason::HeadRolledBack
        | Reason::HeadForked
        | Reason::HeadUnknown
        | Reason::HeadMismatch
        | Reason::HeadReplaced
        | Reason::HeadRecalled
        | Reason::ThreadForked
        // Outcomes and refusals by a recipient stand in evidence; no call fails with them.
        | Reason::Nacked
        | Reason::LeaseExpired
        | Reason::TriesExhausted
        | Reason::DeliverByPassed
        | Reason::ExpiresAtPassed
        | Reason::DroppedByOperator
        | Reason::PermissionEnded
        | Reason::WrittenOff
        | Reason::WrongAddressee
        | Reason::NoLegalBasis
        | Reason::InaccurateOrStale
        | Reason::NationalSecurity
        | Reason::OngoingInvestigation
        | Reason::SafetyOfPerson
        | Reason::Unreadable
        | Reason::ProtectionGuard
        | Reason::Disproportionate => FAILED_PRECONDITION,
    }
}

/// Numbers of `google.rpc.Code`.
mod grpc {
    pub(super) const UNKNOWN: u8 = 2;
    pub(super) const INVALID_ARGUMENT: u8 = 3;
    pub(super) const DEADLINE_EXCEEDED: u8 = 4;
    pub(super) const NOT_FOUND: u8 = 5;
    pub(super) const ALREADY_EXISTS: u8 = 6;
    pub(super) const PERMISSION_DENIED: u8 = 7;
    pub(super) const RESOURCE_EXHAUSTED: u8 = 8;
    pub(super) const FAILED_PRECONDITION: u8 = 9;
    pub(super) const OUT_OF_RANGE: u8 = 11;
    pub(super) const UNIMPLEMENTED: u8 = 12;
    pub(super) const INTERNAL: u8 = 13;
    pub(super) const UNAVAILABLE: u8 = 14;
    pub(super) const DATA_LOSS: u8 = 15;
    pub(super) const UNAUTHENTICATED: u8 = 16;
}

#[cfg(test)]
mod tests;
