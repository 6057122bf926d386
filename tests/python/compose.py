"""Composes and signs alerts: the smallest that is valid, and one with everything."""

import hashlib
import secrets
import time
import uuid

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MEDIA_TYPE = "application/vnd.barid.alert.v1+protobuf"


def now_ms():
    """UTC now in whole milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def uuid7(unix_ms):
    """A UUIDv7 (RFC 9562, section 5.7) as lower-case text."""
    value = unix_ms << 80 | 0x7 << 76 | secrets.randbits(12) << 64
    return str(uuid.UUID(int=value | 0b10 << 62 | secrets.randbits(62)))


def set_time(timestamp, unix_ms):
    """Sets a protobuf Timestamp."""
    timestamp.FromMilliseconds(unix_ms)


class Draft:
    """What the messages of one sender to one recipient have in common."""

    def __init__(self, api, sender, recipient, agreement):
        self.api = api
        self.sender = sender
        self.recipient = recipient
        self.agreement = agreement

    def smallest(self, message_id=None, headline="Livestock truck without papers"):
        """An alert with the required fields alone."""
        created = now_ms()
        body = self._body(headline).SerializeToString()
        header = self._header(message_id or uuid7(created), created, body)
        return self._signed(header, body)

    def complete(self, after):
        """An alert with every header field that version 1 accepts."""
        created = now_ms()
        pb = self.api.header
        alert = self._body("Stolen truck heading for the border")
        self._describe(alert, created)
        body = alert.SerializeToString()
        header = self._header(uuid7(created), created, body)
        earlier = pb.Header.FromString(after.envelope.payload)

        header.identity.thread_id = earlier.identity.message_id
        header.identity.correlation_id = earlier.identity.message_id
        header.identity.case_ref = "PK-2027-000123"
        header.lineage.references.add(
            originator=self.sender.address,
            message_id=earlier.identity.message_id,
            header_digest=hashlib.sha256(after.envelope.payload).digest(),
        )
        header.originator.node = self.sender.node
        header.originator.officer = "duty-officer-7"
        header.precedence.level = pb.PRECEDENCE_IMMEDIATE
        header.precedence.reason = "The truck is expected at the crossing within the hour"
        self._times(header.times, created)
        self._rules(header)
        self._acknowledgements(header.ack_policy, created)
        header.languages.languages[:] = ["en", "ur"]
        header.languages.original = "en"
        header.routing.hop_limit = 3
        header.extensions.add(id="example.shift", critical=False, value=b"night")
        header.external_ref.scheme = "example.case"
        header.external_ref.id = "2027/000123"
        return self._signed(header, body)

    def _header(self, message_id, created, body):
        """The required rows."""
        pb = self.api.header
        header = pb.Header()
        header.schema.spec_version.major = 1
        header.schema.kind = pb.KIND_ALERT
        header.schema.schema_id = "barid.message.v1.Alert"
        header.schema.schema_version.major = 1
        header.identity.message_id = message_id
        header.status.code = pb.STATUS_ACTUAL
        header.lineage.type = pb.MESSAGE_TYPE_NEW
        header.originator.address = self.sender.address
        header.recipients.add(address=self.recipient, role=pb.RECIPIENT_ROLE_ACTION)
        header.precedence.level = pb.PRECEDENCE_IMMEDIATE
        set_time(header.times.created_at, created)
        header.legal.purposes.append(self.agreement.purposes[0])
        header.legal.agreement.CopyFrom(self.agreement.reference)
        header.data_protection.personal_data.append(pb.PERSONAL_DATA_NONE)
        header.languages.languages.append("en")
        header.content.body.media_type = MEDIA_TYPE
        header.content.body.size = len(body)
        header.content.body.sha256 = hashlib.sha256(body).digest()
        public = self.sender.signing_key.public()
        algorithm = pb.SignatureAlgorithm.Value(public.algorithm())
        header.signers.add(keyid=public.keyid, algorithm=algorithm)
        return header

    @staticmethod
    def _times(times, created):
        """Row 8 in full, in the order that the standard asks for."""
        set_time(times.deliver_by, created + 6 * HOUR_MS)
        set_time(times.effective_at, created)
        set_time(times.onset_at, created + HOUR_MS)
        set_time(times.expires_at, created + DAY_MS)
        set_time(times.retain_until, created + 30 * DAY_MS)

    def _rules(self, header):
        """Rows 9 to 15: how the message must be treated, and why it may be sent."""
        pb = self.api.header
        header.classification.scheme = "pk"
        header.classification.level = "RESTRICTED"
        header.sharing.tlp = pb.TLP_AMBER
        header.sharing.pap = pb.PAP_AMBER
        header.handling.add(code=pb.HANDLING_CODE_H1, text="Ask the sender first")
        header.handling.add(code=pb.HANDLING_CODE_H3, text="Destroy paper copies after the shift")
        header.onward.level = pb.ONWARD_LEVEL_AGREEMENT_PARTIES
        header.legal.legal_basis = "Customs Act, section 7"
        header.legal.agreement.clause = "C3"
        header.data_protection.personal_data[:] = [pb.PERSONAL_DATA_ORDINARY]
        header.grading.system = pb.GRADING_SYSTEM_FOUR_BY_FOUR
        header.grading.source = "B"
        header.grading.information = 2
        header.grading.validated_by = "analysis unit"

    def _acknowledgements(self, policy, created):
        """Row 16: every acknowledgement requested, with a deadline."""
        for demand in (policy.transport, policy.delivered, policy.opened, policy.actioned):
            demand.level = self.api.header.ACK_LEVEL_REQUESTED
            set_time(demand.deadline, created + HOUR_MS)

    def _body(self, headline):
        """An alert with its required fields."""
        alert = self.api.alert.Alert(
            categories=["Security"],
            urgency="Immediate",
            severity="Severe",
            certainty="Likely",
            alert_category="CARGO",
            actions_to_take=["STOP", "REPORT"],
        )
        alert.event.add(language="en", text="Vehicle sought")
        alert.headline.add(language="en", text=headline)
        alert.areas.add().description.add(language="en", text="Torkham crossing and its approach")
        alert.hit_contact.address = self.sender.address
        alert.hit_contact.desk = "Duty desk"
        return alert

    def _describe(self, alert, created):
        """What the second alert says beyond the required fields."""
        blocks = self.api.blocks
        alert.headline.add(
            language="ur", direction=blocks.DIRECTION_RTL, text="چوری شدہ ٹرک",
            origin=blocks.TEXT_ORIGIN_HUMAN,
        )
        alert.description.add(language="en", text="White truck, reported stolen this morning.")
        circle = alert.areas[0].circles.add(radius_m=5_000)
        circle.centre.latitude_e7 = 341_213_000
        circle.centre.longitude_e7 = 710_942_000
        alert.areas[0].geocodes.add(name="UN/LOCODE", value="PKTKM")
        vehicle = alert.subjects.add(role="Mean").vehicle
        vehicle.vehicle_kind = "truck"
        vehicle.plate = "LES1234"
        vehicle.plate_country = "PK"
        set_time(alert.review_at, created + 90 * DAY_MS)

    def _signed(self, header, body):
        """Header and body as they travel, signed by the agency."""
        payload = header.SerializeToString()
        envelope = self.api.envelope
        key = self.sender.signing_key
        message = envelope.SignedMessage(body=body)
        message.envelope.payload = payload
        message.envelope.payload_type = "application/vnd.barid.header.v1+protobuf"
        message.envelope.signatures.add(sig=key.sign("header", payload), keyid=key.public().keyid)
        return message
